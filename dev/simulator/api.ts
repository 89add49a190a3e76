import type { IncomingMessage, ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { type Answer, sendAnswer } from './answer.ts';
import { type ApiErrors, defenderErrors, type ErrorContext, type ErrorText } from './apiError.ts';
import { isDefenderAudience, isGraphAudience } from './audiences.ts';
import { authorize, bearerOf } from './authorization.ts';
import type { CallRecord } from './callLog.ts';
import { type ApiName, type FaultPlan, isUncounted } from './faults.ts';
import { graphErrors, huntingErrors } from './graph/graphErrors.ts';
import { isGraphPath, routeGraphCall } from './graph/graphRoutes.ts';
import { guid, integer, seededRandom } from './random.ts';
import type { Refusal } from './rateWindows.ts';
import { requestUrl } from './requestUrl.ts';
import { type RoutedCall, routeCall } from './routes.ts';
import { spoil } from './spoil.ts';
import type { Tenant, Tenants } from './tenant.ts';
import type { Tokens } from './tokens.ts';

/** One of the APIs behind the server: what its calls are checked against, and how it words errors. */
interface Api {
  isAudience(audience: string): boolean;
  /** Whose calls share a bucket of the tenant's quota. */
  bucketOf(appId: string): string;
  errors: ApiErrors;
}

const apis: Record<ApiName, Api> = {
  defender: { isAudience: isDefenderAudience, bucketOf: (appId) => appId, errors: defenderErrors },
  graph: { isAudience: isGraphAudience, bucketOf: (appId) => appId, errors: graphErrors },
  // All apps and people of a tenant share one.
  hunting: { isAudience: isGraphAudience, bucketOf: () => 'tenant', errors: huntingErrors },
};

export interface ApiParts {
  tenants: Tenants;
  tokens: Tokens;
  calls: CallRecord[];
  seed: string;
  /** The time in milliseconds since 1970. */
  now: () => number;
}

/** What is done about a call, decided when it arrives. */
interface Decision {
  answer: Answer;
  fault?: ReturnType<FaultPlan['next']>;
}

/**
 * Answers one API call of the tenant that its token is for: authorization first, then the quota, then what the route
 * says, spoiled where a fault is due.
 */
export async function answerApiCall(
  parts: ApiParts,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const now = parts.now();
  const random = seededRandom(parts.seed, 'call', parts.calls.length);
  const target = guid(random);
  const body = request.method === 'POST' ? await readBody(request) : '';
  if (body === undefined) {
    return;
  }
  const bearer = bearerOf(request.headers.authorization, parts.tokens, now);
  const claims = bearer === undefined || bearer.kind === 'invalid' ? undefined : bearer.claims;
  const tenant = parts.tenants.byId(claims?.tid ?? '') ?? parts.tenants.home;
  const context: ErrorContext = { target, tenantId: tenant.id, now };
  const url = requestUrl(request);
  const call = isGraphPath(url) ? routeGraphCall(url, body, tenant) : routeCall(url);
  const { errors, bucketOf, isAudience } = apis[call.api];
  const quota = tenant.quotas[call.api];
  const record: CallRecord = {
    time: now,
    route: call.route,
    alertId: call.alertId,
    ...(call.ids === undefined ? {} : { ids: call.ids }),
    appId: claims?.appid ?? null,
    tenantId: claims?.tid ?? null,
    owners: ownersOf(parts.tenants, tenant, call, url),
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
    const retired = call.api === 'defender' ? tenant.retirement.answer(context) : undefined;
    if (retired !== undefined) {
      return { answer: retired };
    }
    const authorization = authorize(bearer, { isAudience, roles: call.roles, errors });
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
    const fault = tenant.faults.next(call.alertId ?? call.route, call.api);
    record.fault = fault?.kind ?? null;
    record.counted = fault === undefined || !isUncounted(fault);
    if (record.counted) {
      quota.record(bucket, now);
    }
    return { answer: answerRequest(), fault };
  }

  function answerRequest(): Answer {
    return request.method === call.method
      ? call.answer(tenant, context)
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
    await delay(integer(random, tenant.latency.least, tenant.latency.most), undefined, {
      signal: gone.signal,
    });
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

const MACHINE_ID = /\b[\da-f]{40}\b/g;

/** A Defender call names machines in its path or in its filter. */
function ownersOf(
  tenants: Tenants,
  asking: Tenant,
  { api, alertId, ids = [] }: RoutedCall,
  url: URL,
): string[] {
  const texts = api === 'defender' ? [url.pathname, ...url.searchParams.values()] : [];
  const machineIds = texts.flatMap((part) => part.match(MACHINE_ID) ?? []);
  const named = [...(alertId === null ? [] : [alertId]), ...ids, ...machineIds];
  return [...new Set(named.flatMap((id) => tenants.ownersOf(id, asking)).map(({ id }) => id))];
}
