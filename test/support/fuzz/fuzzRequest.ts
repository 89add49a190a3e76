import { Agent, type IncomingHttpHeaders, request as sendRequest } from 'node:http';
import { text } from 'node:stream/consumers';

/** A request as it goes over the wire. */
export interface FuzzRequest {
  method: string;
  /** Path and query, sent as they are. */
  target: string;
  headers: Record<string, string>;
  body?: Buffer;
  /** Whether it keeps to all that the document asks for. */
  isValid: boolean;
}

export interface FuzzResponse {
  status: number;
  headers: IncomingHttpHeaders;
  text: string;
}

const agent = new Agent({ keepAlive: true, maxSockets: 16 });

/** Unlike `fetch`, leaves path and headers as they are, and lets every method have a body. */
export async function send(
  url: string,
  { method, target, headers, body }: FuzzRequest,
): Promise<FuzzResponse> {
  const { hostname, port } = new URL(url);
  const { promise, resolve, reject } = Promise.withResolvers<FuzzResponse>();
  const isFramed = body === undefined || 'transfer-encoding' in headers;
  const framed = isFramed ? headers : { ...headers, 'content-length': String(body.length) };
  sendRequest({ hostname, port, agent, method, path: target, headers: framed }, (response) => {
    text(response).then(
      (body) => resolve({ status: response.statusCode ?? 0, headers: response.headers, text: body }),
      reject,
    );
  })
    .once('error', reject)
    .end(body);
  return promise;
}
