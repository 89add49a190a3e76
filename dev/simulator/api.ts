import type { IncomingMessage, ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { type Answer, sendAnswer } from './answer.ts';
import type { ApiErrors, ErrorContext, ErrorText } from './apiError.ts';
import { authorize } from './authorization.ts';
import type { CallRecord } from './callLog.ts';
import { type ApiName, type FaultPlan, isUncounted } from './faults.ts';
import type { Identity } from './identity.ts';
import type { Quota } from './quota.ts';
import { guid, integer, seededRandom } from './random.ts';
import type { Refusal } from './rateWindows.ts';
import { requestUrl } from './requestUrl.ts';
import type { Retirement } from './retirement.ts';
import type { RoutedCall, World } from './routes.ts';
import { spoil } from './spoil.ts';

/** How long the service takes to answer, in milliseconds: drawn anew for each call. */
export interface Latency {
  least: number;
  most: number;
}

/** One of the APIs behind the server: what its calls are checked against, and how it words errors. */
export interface Api {
  isAudience(audience: string): boolean;
  quota: Quota;
  /** Whose calls share a bucket of the quota. */
  bucketOf(appId: string): string;
  errors: ApiErrors;
}

export interface ApiParts {
  world: World;
  apis: Record<ApiName, Api>;
  route(url: URL, body: string): RoutedCall;
  retirement: Retirement;
  identity: Identity;
  faults: FaultPlan;
  calls: CallRecord[];
  latency: Latency;
  seed: string;
  /** The time in milliseconds since 1970. */
  now: () => number;
}

/** What is done about a call, decided when it arrives. */
interface Decision {
  answer: Answer;
  fault?: ReturnType<FaultPlan['next']>;
}

/** Answers one API call: authorization first, then the quota, then what the route says, spoiled where a fault is due. */
export async function answerApiCall(
  parts: ApiParts,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const now = parts.now();
  const random = seededRandom(parts.seed, 'call', parts.calls.length);
  const context: ErrorContext = { target: guid(random), tenantId: parts.identity.tenantId, now };
  const body = request.method === 'POST' ? await readBody(request) : '';
  if (body === undefined) {
    return;
  }
  const call = parts.route(requestUrl(request), body);
  const { errors, quota, bucketOf, isAudience } = parts.apis[call.api];
  const record: CallRecord = {
    time: now,
    route: call.route,
    alertId: call.alertId,
    ...(call.ids === undefined ? {} : { ids: call.ids }),
    appId: null,
    status: null,
    counted: false,
    fault: null,
  };
  parts.calls.push(record);

  const refuse = (status: number, error: ErrorText, headers: Record<string, string> = {}): Answer => ({
    status,
    headers,
    body: errors.body(error, context),
  });

  function decide(): Decision {
    const retired = call.api === 'defender' ? parts.retirement.answer(context) : undefined;
    if (retired !== undefined) {
      return { answer: retired };
    }
    const requirements = { isAudience, roles: call.roles, errors };
    const authorization = authorize(request.headers.authorization, requirements, parts.identity, now);
    record.appId = authorization.appId;
    if (authorization.kind === 'refused') {
      return { answer: refuse(authorization.status, authorization.error) };
    }
    const bucket = bucketOf(authorization.appId);
    const refusal = quota.check(bucket, now);
    if (refusal !== undefined) {
      return { answer: throttle(refusal) };
    }
    const blocked = call.refusal?.(context);
    if (blocked !== undefined) {
      return { answer: blocked };
    }
    const fault = parts.faults.next(call.alertId ?? call.route, call.api);
    record.fault = fault?.kind ?? null;
    record.counted = fault === undefined || !isUncounted(fault);
    if (record.counted) {
      quota.record(bucket, now);
    }
    return { answer: answerRequest(), fault };
  }

  function answerRequest(): Answer {
    return request.method === call.method
      ? call.answer(parts.world, context)
      : refuse(405, errors.wrongMethod(String(request.method)));
  }

  /** Retry-After has whole seconds only: rounded up, so that a caller who obeys is not refused again. */
  function throttle({ limit, waitMs }: Refusal): Answer {
    const seconds = Math.ceil(waitMs / 1000);
    return refuse(429, errors.throttled(limit, seconds), { 'Retry-After': String(seconds) });
  }

  const gone = new AbortController();
  response.once('close', () => gone.abort());
  const { answer, fault } = decide();
  try {
    await delay(integer(random, parts.latency.least, parts.latency.most), undefined, { signal: gone.signal });
    if (fault === undefined) {
      sendAnswer(request, response, answer);
    } else {
      await spoil(fault, {
        request,
        response,
        answer,
        errors,
        context,
        roles: call.roles,
        signal: gone.signal,
      });
    }
  } catch (error) {
    // A caller that has gone is no failure of ours: the record says how far the answer came.
    if (!gone.signal.aborted) {
      throw error;
    }
  } finally {
    record.status = response.headersSent ? response.statusCode : null;
  }
}

/** Undefined where the caller went away in the middle of it. */
async function readBody(request: IncomingMessage): Promise<string | undefined> {
  try {
    return await text(request);
  } catch {
    return undefined;
  }
}
