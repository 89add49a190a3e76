import type { HttpHandler, HttpMethod, HttpRequest, InvocationContext } from '@azure/functions';
import type { HttpAuthorization } from '../config/httpSettings.ts';
import { FUNCTION_DEADLINE_MS } from '../config/timingSettings.ts';
import { withinTime } from '../promises.ts';
import { errorText, isStorageError } from '../storage/storageError.ts';
import { eventLog, type Log } from '../telemetry/log.ts';
import { type Attributes, span, type TraceContext } from '../telemetry/telemetry.ts';
import { type Problem, problemResponse } from './problem.ts';
import type { TextResponse } from './response.ts';

/** What a request tells the log. */
export type RequestEvent =
  /** An order of alerts. */
  | {
      event: 'order';
      orderId: string;
      submissions: number;
      rejections: number;
      notQueued: number;
      /** Why some could not be queued. */
      detail?: string | undefined;
      /** Why the row of one that is queued could not be created. */
      announceDetail?: string | undefined;
    }
  /** A request that ended in an error of ours. */
  | { event: 'request_failed'; function: string; method: string; detail: string };

/** What a function does with a request that is authorized and has the right method. */
export type Respond<Event extends { event: string } = RequestEvent> = (
  request: HttpRequest,
  log: Log<RequestEvent | Event>,
) => Promise<TextResponse | Problem>;

/**
 * The handler of an HTTP function: looks at authorization and method, and turns whatever goes wrong into a problem
 * document. What is said about an unexpected error stays in the log.
 * @example
 * endpoint({ methods: ['GET'], authorization: 'key' }, async () => jsonResponse(200, { ok: true }))
 * // a POST gets 405, and an error in the function 500 or 503
 */
export function endpoint<Event extends { event: string } = RequestEvent>(
  rules: { methods: readonly HttpMethod[]; authorization: HttpAuthorization | 'none' },
  respond: Respond<Event>,
): HttpHandler {
  async function answerTo(request: HttpRequest, context: InvocationContext): Promise<TextResponse> {
    let isAnswered = false;
    // Work may outlive its answer, and the log of the invocation is closed by then.
    const log = eventLog<RequestEvent | Event>({
      log: (line) => (isAnswered ? console.log(line) : context.log(line)),
    });
    const { method } = request;
    const result = await checked(request, rules, () => respond(request, log)).catch((error: unknown) => {
      log({ event: 'request_failed', method, function: context.functionName, detail: errorText(error) });
      return problemOf(error);
    });
    isAnswered = true;
    return 'problem' in result ? problemResponse(result, context.invocationId) : result;
  }

  return async (request, context) => {
    const { method } = request;
    const attributes = {
      'http.request.method': method,
      'http.route': routeOf(context),
      ...addressOf(request),
    };
    const answer = await span('request', { attributes, parent: traceOf(request) }, async (served) => {
      const response = await answerTo(request, context);
      served.set({ 'http.response.status_code': response.status });
      if (response.status >= 500) {
        served.fail(String(response.status));
      }
      return response;
    });
    const headers = { ...answer.headers, 'x-content-type-options': 'nosniff' };
    const body = method === 'HEAD' || answer.body === undefined ? {} : { body: answer.body };
    return { status: answer.status, headers, ...body };
  };
}

/** The route that the function is registered with, after the prefix that host.json leaves at its default. */
function routeOf({ options, functionName }: InvocationContext): string {
  const { route = functionName } = options?.trigger ?? {};
  return `/api/${route}`;
}

/** Never the query: a function key may be in it. */
function addressOf({ url }: HttpRequest): Attributes {
  if (!URL.canParse(url)) {
    return {};
  }
  const { protocol, pathname } = new URL(url);
  return { 'url.scheme': protocol.replace(':', ''), 'url.path': pathname };
}

/** The trace that the caller's request belongs to, unchecked. */
export function traceOf({ headers }: Pick<HttpRequest, 'headers'>): TraceContext {
  const field = (name: string) => headers.get(name) ?? undefined;
  return { traceparent: field('traceparent'), tracestate: field('tracestate') };
}

async function checked(
  request: HttpRequest,
  { methods, authorization }: Parameters<typeof endpoint>[0],
  respond: () => Promise<TextResponse | Problem>,
): Promise<TextResponse | Problem> {
  if (authorization !== 'none' && !isAuthorized(authorization, request.headers)) {
    const detail = 'Sign in with Microsoft Entra ID, and send the token as "Authorization: Bearer ...".';
    return { problem: 'not-signed-in', detail, headers: { 'www-authenticate': 'Bearer' } };
  }
  if (!methods.some((method) => method === request.method)) {
    const allow = methods.join(', ');
    const detail = `${request.method} means nothing here; allowed: ${allow}.`;
    return { problem: 'method-not-allowed', detail, headers: { allow } };
  }
  // A storage service that never answers must not hold a request until the platform's front end cuts it off.
  return withinTime(respond(), FUNCTION_DEADLINE_MS, () => {
    throw new DeadlineError(`The request was not answered within ${FUNCTION_DEADLINE_MS / 1_000} s.`);
  });
}

class DeadlineError extends Error {
  override readonly name = 'DeadlineError';
}

function problemOf(error: unknown): Problem {
  if (error instanceof DeadlineError || isStorageError(error)) {
    return { problem: 'storage-unavailable', detail: 'Ask again later. "/api/health" says what is wrong.' };
  }
  return { problem: 'internal-error', detail: 'The log holds more, under the ID in "instance".' };
}

/** What App Service Authentication says about a caller; it keeps callers from saying it themselves. */
const PRINCIPAL_HEADER = 'x-ms-client-principal-id';

/** Whether a caller is let in. With keys the Functions host has asked already. */
export function isAuthorized(
  authorization: HttpAuthorization,
  headers: { get(name: string): string | null },
): boolean {
  return authorization === 'key' || (headers.get(PRINCIPAL_HEADER) ?? '').trim() !== '';
}
