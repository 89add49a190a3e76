import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import type { Got } from 'got';
import { errorType, type Span, span } from '../telemetry/telemetry.ts';
import type { Failure, HttpResponse } from './apiReply.ts';

/** One request to an API. */
export interface HttpRequest<Reply> {
  /** Path and query, after the address of the API. */
  path: string;
  /** The path without its query, with `{id}` for what differs: what telemetry calls all requests of this kind. */
  route: string;
  token: string;
  headers?: Record<string, string>;
  /** Sent as JSON with POST; a GET when left out. */
  body?: unknown;
  /** Longest body that is read (bytes), after decompression. */
  longestBody: number;
  /** Longest time until the answer begins (ms, 20 s when left out); the whole request may take half as long again. */
  responseTimeoutMs?: number;
  read: (response: HttpResponse, now: Date) => Reply;
}

/** What keeps a response from being read. */
export type TransportFailure = Extract<Failure, { kind: 'unavailable' | 'unusable' | 'interrupted' }>;

/** Speaks HTTP with one API: one request, one answer, no retries, no redirects and no exceptions. */
export interface HttpClient {
  send<Reply>(request: HttpRequest<Reply>, signal: AbortSignal): Promise<Reply | TransportFailure>;
}

const CONNECT_TIMEOUT_MS = 5_000;
const RESPONSE_TIMEOUT_MS = 20_000;

/**
 * Creates the client of one API.
 * @param service Names the API in messages.
 * @param apiUrl Its address without a slash at the end, already checked to be one that may see a token.
 */
export function createHttpClient(service: string, apiUrl: string, now: () => Date): HttpClient {
  let http: Promise<Got> | undefined;

  const { hostname, port } = new URL(apiUrl);

  async function exchange<Reply>(
    request: HttpRequest<Reply>,
    signal: AbortSignal,
    call: Span,
  ): Promise<Reply | TransportFailure> {
    const { path, token, headers, body: json, longestBody, read } = request;
    const response = request.responseTimeoutMs ?? RESPONSE_TIMEOUT_MS;
    try {
      http ??= openHttp();
      const stream = (await http).stream(`${apiUrl}${path}`, {
        headers: { ...headers, authorization: `Bearer ${token}` },
        ...(json !== undefined && { method: 'POST', json }),
        timeout: {
          connect: CONNECT_TIMEOUT_MS,
          secureConnect: CONNECT_TIMEOUT_MS,
          response,
          request: response * 1.5,
        },
        signal,
      });
      const body = await readText(stream, longestBody);
      const { response: head } = stream;
      call.set({ 'http.response.status_code': head?.statusCode });
      if (body === undefined) {
        call.fail('too_long');
        return { kind: 'unusable', detail: `${service}'s answer is longer than ${longestBody} bytes` };
      }
      if (head === undefined) {
        call.fail('no_response');
        return { kind: 'unavailable', detail: `${service} sent no response` };
      }
      if (head.statusCode >= 400) {
        call.fail(String(head.statusCode));
      }
      return read({ status: head.statusCode, retryAfter: head.headers['retry-after'], body }, now());
    } catch (error) {
      if (signal.aborted) {
        call.fail('interrupted');
        return { kind: 'interrupted', detail: 'the time of this run was up' };
      }
      call.fail(errorType(error));
      return { kind: 'unavailable', detail: `${service} could not be reached: ${describe(error)}` };
    }
  }

  return {
    send(request, signal) {
      const attributes = {
        'http.request.method': request.body === undefined ? 'GET' : 'POST',
        'url.template': request.route,
        'url.full': `${apiUrl}${request.path}`,
        'server.address': hostname,
        'server.port': Number(port) || undefined,
      };
      return span('call', { attributes }, (call) => exchange(request, signal, call));
    },
  };
}

/** The library is loaded for the first call: an answer that is found in storage never needs it. */
async function openHttp(): Promise<Got> {
  const { default: got } = await import('got');
  return got.extend({
    // As storage and identity do, whose SDKs go through a proxy of the environment by themselves. Node.js knows the
    // option from 22.21 and 24.5 on.
    agent: {
      http: new HttpAgent({ keepAlive: true, proxyEnv: process.env }),
      https: new HttpsAgent({ keepAlive: true, proxyEnv: process.env }),
    },
    // The pipeline has its own rules for trying again, and a redirect would carry the token elsewhere.
    retry: { limit: 0 },
    followRedirect: false,
    throwHttpErrors: false,
    headers: { accept: 'application/json', 'user-agent': 'defender-alert-enrichment' },
  });
}

/** The decompressed text of a response, or undefined when it is too long. */
async function readText(stream: AsyncIterable<Uint8Array>, longest: number): Promise<string | undefined> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of stream) {
    length += chunk.length;
    if (length > longest) {
      return undefined;
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** Tells only code and message of an error: got's errors carry the request, and that carries the token. */
function describe(error: unknown): string {
  if (!(error instanceof Error)) {
    return String(error);
  }
  return 'code' in error && typeof error.code === 'string'
    ? `${error.code}, ${error.message}`
    : error.message;
}
