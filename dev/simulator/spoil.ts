import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import { type Answer, JSON_HEADERS, sendAnswer, sendBody } from './answer.ts';
import type { ApiErrors, ErrorContext, ErrorText } from './apiError.ts';
import type { Fault, FaultKind } from './faults.ts';

/** One call whose answer is to be spoiled. */
export interface Exchange {
  request: IncomingMessage;
  response: ServerResponse;
  /** What would have been answered. */
  answer: Answer;
  /** How the API words its errors, and what they may refer to. */
  errors: ApiErrors;
  context: ErrorContext;
  /** The app permissions that the call needs one of. */
  roles: readonly string[];
  /** Ends when the caller has gone or the server closes. */
  signal: AbortSignal;
}

const MEBIBYTE = 1024 * 1024;
const HTML = '<!DOCTYPE html><html><head><title>Sign in</title></head><body>Please sign in.</body></html>';

/** Answers a call in the way of this fault. */
export async function spoil(fault: Fault, exchange: Exchange): Promise<void> {
  await waysToSpoil[fault.kind](exchange, fault);
}

const waysToSpoil: Record<FaultKind, (exchange: Exchange, fault: Fault) => void | Promise<void>> = {
  'throttle-seconds': (exchange, { waitSeconds }) =>
    sendThrottle(exchange, undefined, { 'Retry-After': String(waitSeconds) }),
  // The date has whole seconds only: rounded up, so that nobody is told to come back too early.
  'throttle-date': (exchange, { waitSeconds }) =>
    sendThrottle(exchange, undefined, {
      'Retry-After': new Date(Math.ceil(exchange.context.now / 1000 + waitSeconds) * 1000).toUTCString(),
    }),
  'throttle-body': (exchange, { waitSeconds }) => sendThrottle(exchange, waitSeconds, {}),
  'throttle-bare': (exchange) => sendThrottle(exchange, undefined, {}),

  unauthorized: (exchange) =>
    sendError(exchange, 401, exchange.errors.invalidToken('Account mode is inactive.')),
  forbidden: (exchange) => sendError(exchange, 403, exchange.errors.missingRole(exchange.roles, [])),

  'http-408': (exchange) => sendError(exchange, 408, exchange.errors.timeout),
  'http-500': (exchange) => sendError(exchange, 500, exchange.errors.internal),
  'http-502': (exchange) => sendGatewayError(exchange, 502, 'Bad Gateway'),
  'http-503': (exchange) => sendGatewayError(exchange, 503, 'Service Unavailable'),
  'http-504': (exchange) => sendGatewayError(exchange, 504, 'Gateway Timeout'),

  'bad-request': (exchange) => sendError(exchange, 400, exchange.errors.badRequest),
  'not-found': (exchange) => sendError(exchange, 404, exchange.errors.notFound),

  reset: ({ response }) => {
    response.socket?.resetAndDestroy();
  },
  'reset-mid-body': async ({ response, answer }) => {
    const text = JSON.stringify(answer.body);
    response.writeHead(200, { ...JSON_HEADERS, 'Transfer-Encoding': 'chunked' });
    await new Promise((written) => response.write(text.slice(0, text.length / 2), written));
    response.socket?.resetAndDestroy();
  },
  stall: () => {
    // Nothing is ever answered.
  },
  'slow-body': sendSlowly,

  truncated: ({ response, answer }) => {
    const text = JSON.stringify(answer.body);
    sendBody(response, text.slice(0, text.length / 2), { status: 200, headers: JSON_HEADERS });
  },
  html: ({ response }) => sendBody(response, HTML, { status: 200, headers: { 'Content-Type': 'text/html' } }),
  empty: ({ response }) => {
    response.writeHead(200, { ...JSON_HEADERS, 'Content-Length': 0 }).end();
  },
  'empty-object': (exchange) => sendInstead(exchange, {}),
  array: (exchange) => sendInstead(exchange, [exchange.answer.body]),
  'error-object': (exchange) =>
    sendInstead(exchange, exchange.errors.body(exchange.errors.internal, exchange.context)),

  'wrong-content-type': ({ response, answer }) =>
    sendBody(response, JSON.stringify(answer.body), {
      status: answer.status,
      headers: { 'Content-Type': 'text/plain' },
    }),
  plain: (exchange) => sendEncoded(exchange, undefined, Buffer.from),
  deflate: (exchange) => sendEncoded(exchange, 'deflate', deflateSync),
  // Some servers mean the bare DEFLATE stream, without the zlib wrapper that RFC 9110 asks for.
  'deflate-raw': (exchange) => sendEncoded(exchange, 'deflate', deflateRawSync),
  gzip: (exchange) => sendEncoded(exchange, 'gzip', gzipSync),
  huge: (exchange) =>
    sendInstead(exchange, { ...Object(exchange.answer.body), padding: 'x'.repeat(10 * MEBIBYTE) }),
  'gzip-bomb': ({ response }) =>
    sendBody(response, gzipBomb(), { status: 200, headers: { ...JSON_HEADERS, 'Content-Encoding': 'gzip' } }),

  'list-repeats': (exchange) => sendList(exchange, (entries) => [...entries, ...entries]),
  'list-shuffled': (exchange) => sendList(exchange, (entries) => entries.toReversed()),
  'list-gaps': (exchange) => sendList(exchange, (entries) => entries.filter((_, index) => index % 3 > 0)),
  'list-strangers': (exchange) =>
    sendList(exchange, (entries) => entries.map((entry) => withOtherIds(entry as object))),
};

const LISTS = ['value', 'results', 'Results', 'RESULTS'];

/** Sends an answer whose list is changed; one without a list as it is. */
function sendList(
  { request, response, answer }: Exchange,
  change: (entries: readonly unknown[]) => readonly unknown[],
): void {
  const changed = Object.entries(Object(answer.body)).map(([name, value]) =>
    LISTS.includes(name) && Array.isArray(value) ? [name, change(value)] : [name, value],
  );
  sendAnswer(request, response, { ...answer, body: Object.fromEntries(changed) });
}

/** The entry, about another alert or device that nobody has asked for. */
function withOtherIds(entry: object): object {
  return Object.fromEntries(
    Object.entries(entry).map(([name, value]) =>
      /^(id|requestid)$/i.test(name) ? [name, String(value).replace(/.$/, 'f0')] : [name, value],
    ),
  );
}

function sendThrottle(
  exchange: Exchange,
  waitSeconds: number | undefined,
  headers: Record<string, string>,
): void {
  const { request, response, errors, context } = exchange;
  const error = errors.throttled({ calls: 100, windowMs: 60_000 }, waitSeconds);
  sendAnswer(request, response, { status: 429, body: errors.body(error, context), headers });
}

function sendError({ request, response, errors, context }: Exchange, status: number, error: ErrorText): void {
  sendAnswer(request, response, { status, body: errors.body(error, context) });
}

function sendGatewayError(exchange: Exchange, status: number, title: string): void {
  const { gateway } = exchange.errors;
  if (gateway !== 'page') {
    sendError(exchange, status, gateway);
    return;
  }
  const page = `<html><head><title>${status} ${title}</title></head><body><h1>${status} ${title}</h1></body></html>`;
  sendBody(exchange.response, page, { status, headers: { 'Content-Type': 'text/html' } });
}

function sendInstead({ request, response }: Exchange, body: unknown): void {
  sendAnswer(request, response, { status: 200, body });
}

function sendEncoded(
  { response, answer }: Exchange,
  encoding: string | undefined,
  encode: (text: string) => Buffer,
): void {
  sendBody(response, encode(JSON.stringify(answer.body)), {
    status: answer.status,
    headers: { ...JSON_HEADERS, ...(encoding === undefined ? {} : { 'Content-Encoding': encoding }) },
  });
}

/** Sends the whole answer, in twenty pieces over the fault's duration. */
async function sendSlowly({ response, answer, signal }: Exchange, { durationMs }: Fault): Promise<void> {
  const body = Buffer.from(JSON.stringify(answer.body));
  const pieceLength = Math.ceil(body.length / 20);
  response.writeHead(answer.status, JSON_HEADERS);
  for (let sent = 0; sent < body.length; sent += pieceLength) {
    response.write(body.subarray(sent, sent + pieceLength));
    await delay(durationMs / 20, undefined, { signal });
  }
  response.end();
}

/** 256 MiB of blanks in about 256 KiB. Unpackers join the members of a gzip stream, so one member is enough to make. */
function gzipBomb(): Buffer {
  const member = gzipSync(Buffer.alloc(8 * MEBIBYTE, ' '));
  return Buffer.concat(new Array<Buffer>(32).fill(member));
}
