import * as z from 'zod';
import { parseJson } from '../text.ts';

/** What arrived over HTTP, read whole. */
export interface HttpResponse {
  status: number;
  retryAfter: string | undefined;
  body: string;
}

/** What a response of an API means that does not bring what was asked for. */
export type Failure =
  | { kind: 'not_found'; detail: string }
  | { kind: 'throttled'; retryAfterMs: number | undefined; detail: string }
  /** 401: the token was not accepted. */
  | { kind: 'unauthorized'; detail: string }
  /** 403: the token was understood, and the app may not do this. `advice` says what to do, where that is special. */
  | { kind: 'forbidden'; code: string; detail: string; advice?: string }
  /** The API says of itself, not of the alert, that it does not exist (any more). */
  | { kind: 'retired'; detail: string }
  | { kind: 'unavailable'; retryAfterMs?: number | undefined; detail: string }
  /** The answer arrived whole and is of no use: asked again at once it would be the same. */
  | { kind: 'unusable'; detail: string }
  /** Our own time was up before the answer came. */
  | { kind: 'interrupted'; detail: string }
  | { kind: 'rejected'; code: string; message: string; target?: string | undefined };

const FAILURES: Record<Failure['kind'], true> = {
  not_found: true,
  throttled: true,
  unauthorized: true,
  forbidden: true,
  retired: true,
  unavailable: true,
  unusable: true,
  interrupted: true,
  rejected: true,
};

/** Tells a failure from what was asked for, by its kind. */
export function isFailure<Reply extends { kind: string }>(reply: Reply | Failure): reply is Failure {
  return reply.kind in FAILURES;
}

/** An error body as Microsoft's APIs write it; `target` is a tracking ID, which only some give. */
export interface ErrorBody {
  code: string;
  message: string;
  target?: string | undefined;
}

const errorBodySchema = z.object({
  error: z.object({
    code: z.string().catch('unknown'),
    message: z.string().catch(''),
    target: z.string().optional().catch(undefined),
  }),
});

/** Most characters that are kept of an error's message. */
const LONGEST_MESSAGE = 500;

/** Undefined where the body is no error's. */
export function readErrorBody(body: string): ErrorBody | undefined {
  const { data } = errorBodySchema.safeParse(parseJson(body));
  return data && { ...data.error, message: data.error.message.slice(0, LONGEST_MESSAGE) };
}

/** The answer in a sentence for a person. */
export function describeResponse(service: string, status: number, error: ErrorBody | undefined): string {
  if (error === undefined) {
    return `${service} answered ${status}`;
  }
  const tracking = error.target === undefined ? '' : ` (tracking ID ${error.target.slice(0, 100)})`;
  return `${service} answered ${status} ${error.code}: ${error.message}${tracking}`;
}

/**
 * Classifies a response by its status; the error code in the body is text for people ("429" has been seen as one). Two
 * things only the body tells: that a 403 is about the quota (gateways in front of Microsoft's APIs answer so), and
 * whether a 404 is the API's own word about the alert.
 */
export function readFailure(service: string, response: HttpResponse, now: Date): Failure {
  const { status, retryAfter, body } = response;
  const error = readErrorBody(body);
  const detail = describeResponse(service, status, error);
  if (status === 429 || (status === 403 && isQuotaText(body))) {
    return throttled(response, detail, now);
  }
  if (status === 204) {
    return { kind: 'not_found', detail };
  }
  if (status === 404) {
    return readNotFound(body, error, detail);
  }
  if (status === 410) {
    return { kind: 'retired', detail };
  }
  if (status === 401) {
    return { kind: 'unauthorized', detail };
  }
  if (status === 403) {
    return { kind: 'forbidden', code: error?.code ?? 'Forbidden', detail };
  }
  if (status >= 400 && status < 500 && status !== 408) {
    return {
      kind: 'rejected',
      code: error?.code ?? `HTTP ${status}`,
      message: error?.message ?? detail,
      target: error?.target,
    };
  }
  return { kind: 'unavailable', retryAfterMs: retryAfterMs(retryAfter, '', now), detail };
}

/** What gateways in front of Microsoft's APIs write: "Out of call volume quota", "Rate limit is exceeded". */
function isQuotaText(body: string): boolean {
  return /call volume quota|rate limit is exceeded|quota exceeded|too many requests/i.test(body);
}

function throttled({ retryAfter, body }: HttpResponse, detail: string, now: Date): Failure {
  return { kind: 'throttled', retryAfterMs: retryAfterMs(retryAfter, body, now), detail };
}

/**
 * What web frameworks write for an address that they do not serve; the API's own 404 has an error body about the alert.
 */
const NO_SUCH_ROUTE = /no HTTP resource was found|no type was found that matches the controller/i;

function readNotFound(body: string, error: ErrorBody | undefined, detail: string): Failure {
  if (NO_SUCH_ROUTE.test(body)) {
    return { kind: 'retired', detail: `${detail}: no such address` };
  }
  if (error !== undefined) {
    return { kind: 'not_found', detail };
  }
  return { kind: 'unavailable', detail: `${detail} without saying what was not found` };
}

/** The JSON of an answer with 200, or what it is instead: no JSON, or an error all the same. */
export function readJson(
  service: string,
  response: HttpResponse,
  now: Date,
): { kind: 'json'; json: unknown } | Failure {
  const json = parseJson(response.body);
  if (json === undefined) {
    return notJson(service, response.body);
  }
  return readRefusal(service, response, now) ?? { kind: 'json', json };
}

const listBodySchema = z.object({
  value: z.array(z.unknown()),
  '@odata.nextLink': z.string().min(1).optional().catch(undefined),
});

/** A page of a list, as both APIs write it. */
export interface ListPage {
  kind: 'list';
  /** Unchecked. */
  entries: unknown[];
  /** Whether the service says that more follow. Where a request names a page size it may say nothing all the same. */
  hasNextLink: boolean;
}

/** The list in an answer with 200. */
export function readList(service: string, response: HttpResponse, now: Date): ListPage | Failure {
  const reading = readJson(service, response, now);
  if (reading.kind !== 'json') {
    return reading;
  }
  const { data } = listBodySchema.safeParse(reading.json);
  return data === undefined
    ? { kind: 'unusable', detail: `${service} answered 200 with a body that is no list` }
    : { kind: 'list', entries: data.value, hasNextLink: data['@odata.nextLink'] !== undefined };
}

/** An error that came with 200: the quota's is taken at its word, any other is a fault that passes. */
function readRefusal(service: string, response: HttpResponse, now: Date): Failure | undefined {
  const error = readErrorBody(response.body);
  if (error === undefined) {
    return undefined;
  }
  const isQuota = /^(429|TooManyRequests)$/i.test(error.code);
  const detail = describeResponse(service, 200, error);
  return isQuota ? throttled(response, detail, now) : { kind: 'unavailable', detail: `${detail}: an error` };
}

/** What is no JSON is not the API's: a page of a gateway, or an answer that was cut. */
function notJson(service: string, body: string): Failure {
  return {
    kind: 'unavailable',
    detail: `${service} answered 200 with ${body.length} characters that are no JSON`,
  };
}

/** Longest wait that is told (ms). The gate shortens it further, to an hour or the longest window of its quota. */
const LONGEST_WAIT_MS = 24 * 3_600_000;

/**
 * How long a server asks to wait (ms): the `Retry-After` header as seconds or as an HTTP date, else what the body says
 * (seen in captures: "You can send requests again in 8 seconds.", "Try again in 2 minutes.", "Quota will be replenished
 * in 03:30:56."), else undefined.
 */
export function retryAfterMs(header: string | undefined, body: string, now: Date): number | undefined {
  const waitMs = fromHeader(header?.trim() ?? '', now) ?? fromText(body);
  return waitMs === undefined ? undefined : Math.min(waitMs, LONGEST_WAIT_MS);
}

function fromHeader(header: string, now: Date): number | undefined {
  if (/^\d+(\.\d+)?$/.test(header)) {
    return Number(header) * 1_000;
  }
  // An HTTP date begins with the name of a day; anything else that Date understands by luck is none.
  const date = /^[A-Z][a-z]{2,8}, /.test(header) ? Date.parse(header) : Number.NaN;
  return Number.isNaN(date) ? undefined : Math.max(0, date - now.getTime());
}

const UNITS_MS = { second: 1_000, minute: 60_000, hour: 3_600_000, day: 86_400_000 } as const;
const AMOUNT = /\bin (\d{1,9}(?:\.\d{1,7})?) (second|minute|hour|day)s?\b/i;
/** A .NET TimeSpan: `hh:mm:ss`, with days before and fractions behind where there are any. */
const TIME_SPAN = /\bin (?:(\d{1,5})\.)?(\d{1,2}):(\d{2}):(\d{2}(?:\.\d{1,7})?)\b/i;

function fromText(text: string): number | undefined {
  const [, amount, unit] = AMOUNT.exec(text) ?? [];
  if (amount !== undefined && unit !== undefined) {
    return Math.ceil(Number(amount) * UNITS_MS[unit.toLowerCase() as keyof typeof UNITS_MS]);
  }
  const [, days = '0', hours, minutes, seconds] = TIME_SPAN.exec(text) ?? [];
  if (hours === undefined) {
    return undefined;
  }
  const parts = [
    [days, UNITS_MS.day],
    [hours, UNITS_MS.hour],
    [minutes, UNITS_MS.minute],
    [seconds, UNITS_MS.second],
  ] as const;
  return Math.ceil(parts.reduce((sum, [value, unitMs]) => sum + Number(value) * unitMs, 0));
}
