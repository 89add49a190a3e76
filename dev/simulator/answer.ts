import type { IncomingMessage, ServerResponse } from 'node:http';
import { deflateSync } from 'node:zlib';

/** What the API wants to say, before anything spoils it. */
export interface Answer {
  status: number;
  body: unknown;
  headers?: Record<string, string>;
}

/** Headers of every JSON answer, as captured from the real service. */
export const JSON_HEADERS = {
  'Content-Type': 'application/json; odata.metadata=minimal; odata.streaming=true; charset=utf-8',
  'OData-Version': '4.0',
} as const;

/** Sends an answer as the real service does: chunked, and deflated where the caller accepts that. */
export function sendAnswer(request: IncomingMessage, response: ServerResponse, answer: Answer): void {
  const text = JSON.stringify(answer.body);
  const deflated = /\bdeflate\b/i.test(String(request.headers['accept-encoding'] ?? ''));
  sendBody(response, deflated ? deflateSync(text) : text, {
    ...answer,
    headers: { ...JSON_HEADERS, ...answer.headers, ...(deflated ? { 'Content-Encoding': 'deflate' } : {}) },
  });
}

/** Sends these bytes, chunked, with these headers and no others. */
export function sendBody(
  response: ServerResponse,
  body: string | Buffer,
  head: { status: number; headers: Record<string, string> },
): void {
  response.writeHead(head.status, { ...head.headers, 'Transfer-Encoding': 'chunked' }).end(body);
}
