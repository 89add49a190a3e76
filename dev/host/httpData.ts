import type { IncomingMessage } from 'node:http';
import type { HttpRequestData, TypedData } from './rpcTypes.ts';

/** A response on its way to the caller. */
export interface PlainResponse {
  status: number;
  headers: Record<string, string>;
  body?: Uint8Array | string;
}

/** A request in the form in which the host hands it to the library. */
export function requestDataOf(
  request: IncomingMessage,
  url: URL,
  params: Record<string, string>,
  body: Uint8Array,
): HttpRequestData {
  const query: Record<string, string> = {};
  // The host joins the values of a repeated name.
  for (const name of url.searchParams.keys()) {
    query[name] = url.searchParams.getAll(name).join(',');
  }
  const headers: Record<string, string> = {};
  for (const [name, values] of Object.entries(request.headersDistinct)) {
    headers[name] = values?.join(', ') ?? '';
  }
  return {
    method: request.method ?? 'GET',
    url: url.href,
    nullableHeaders: nullable(headers),
    nullableQuery: nullable(query),
    nullableParams: nullable(params),
    body: { bytes: body },
  };
}

function nullable(values: Record<string, string>): Record<string, { value: string }> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, { value }]));
}

/** The response that a handler returned, or 204 when it returned none. */
export function httpResponseOf(returnValue: TypedData | null | undefined): PlainResponse {
  const http = returnValue?.http;
  if (!http || !('statusCode' in http)) {
    return { status: 204, headers: {} };
  }
  if (http.cookies.length > 0) {
    return { status: 500, headers: {}, body: 'Response cookies are not supported by the local host.' };
  }
  const content = http.body?.bytes ?? http.body?.string;
  return {
    status: Number(http.statusCode),
    headers: http.headers,
    ...(content === undefined ? {} : { body: content }),
  };
}
