import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { type Answer, sendAnswer } from './answer.ts';
import { apiError, quotaMessage } from './apiError.ts';
import { authorize } from './authorization.ts';
import type { CallRecord } from './callLog.ts';
import { type FaultPlan, isUncounted } from './faults.ts';
import type { Identity } from './identity.ts';
import type { Quota } from './quota.ts';
import { guid, integer, seededRandom } from './random.ts';
import type { Refusal } from './rateWindows.ts';
import { requestUrl } from './requestUrl.ts';
import { routeCall, type World } from './routes.ts';
import { spoil } from './spoil.ts';

/** How long the service takes to answer, in milliseconds: drawn anew for each call. */
export interface Latency {
  least: number;
  most: number;
}

export interface ApiParts {
  world: World;
  identity: Identity;
  quota: Quota;
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
  const target = guid(random);
  const call = routeCall(requestUrl(request));
  const record: CallRecord = {
    time: now,
    route: call.route,
    alertId: call.alertId,
    appId: null,
    status: null,
    counted: false,
    fault: null,
  };
  parts.calls.push(record);

  function decide(): Decision {
    const authorization = authorize(request.headers.authorization, call.roles, parts.identity, now);
    record.appId = authorization.appId;
    if (authorization.kind === 'refused') {
      const { status, code, message } = authorization;
      return { answer: { status, body: apiError(code, message, target) } };
    }
    const refusal = parts.quota.check(authorization.appId, now);
    if (refusal !== undefined) {
      return { answer: throttle(refusal, parts.identity.tenantId) };
    }
    const fault = parts.faults.next(call.alertId ?? call.route);
    record.fault = fault?.kind ?? null;
    record.counted = fault === undefined || !isUncounted(fault);
    if (record.counted) {
      parts.quota.record(authorization.appId, now);
    }
    return { answer: answerRequest(), fault };
  }

  function answerRequest(): Answer {
    if (request.method === 'GET') {
      return call.answer(parts.world, target);
    }
    const message = `The requested resource does not support http method '${request.method}'.`;
    return { status: 405, body: apiError('BadRequest', message, target) };
  }

  const gone = new AbortController();
  response.once('close', () => gone.abort());
  const { answer, fault } = decide();
  try {
    await delay(integer(random, parts.latency.least, parts.latency.most), undefined, { signal: gone.signal });
    if (fault === undefined) {
      sendAnswer(request, response, answer);
    } else {
      await spoil(fault, { request, response, answer, target, now, signal: gone.signal });
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

/** Retry-After has whole seconds only: rounded up, so that a caller who obeys is not refused again. */
function throttle({ limit, waitMs }: Refusal, tenantId: string): Answer {
  const seconds = Math.ceil(waitMs / 1000);
  return {
    status: 429,
    headers: { 'Retry-After': String(seconds) },
    body: apiError('429', quotaMessage(limit.calls, limit.windowMs, seconds), tenantId),
  };
}
