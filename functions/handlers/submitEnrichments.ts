import { randomUUID } from 'node:crypto';
import type { HttpHandler } from '@azure/functions';
import type { Application } from '../../shared/application.ts';
import type { HttpAuthorization } from '../../shared/config/httpSettings.ts';
import { FUNCTION_DEADLINE_MS } from '../../shared/config/timingSettings.ts';
import { negotiate } from '../../shared/http/contentNegotiation.ts';
import { endpoint, traceOf } from '../../shared/http/endpoint.ts';
import { type OrderedAlert, orderResponse } from '../../shared/http/orderResponse.ts';
import { type RoutedAlert, routeOrder } from '../../shared/http/orderTenants.ts';
import { notAcceptable } from '../../shared/http/problem.ts';
import { endOfWait, readRequestBody, readWait } from '../../shared/http/request.ts';
import { RESPONSE_TYPES } from '../../shared/http/response.ts';
import { createTenantAccess } from '../../shared/http/tenantAccess.ts';
import { MAX_ORDER, readOrder } from '../../shared/intake/order.ts';
import type { Submission } from '../../shared/intake/submission.ts';
import type { Expectation } from '../../shared/lookup/alertLookup.ts';
import type { MessageEvent } from '../../shared/pipeline/receiveMessage.ts';
import type { Submitted } from '../../shared/pipeline/submitAll.ts';
import { MOST_URGENT, type SubmittedUrgent } from '../../shared/pipeline/submitUrgent.ts';
import { withinTime } from '../../shared/promises.ts';
import { errorText } from '../../shared/storage/storageError.ts';
import type { TenantRouter } from '../../shared/tenants/tenantRouter.ts';

/** Longest time in which alerts of an order are put into the queue (ms); the rest of a run is for the answer. */
const LONGEST_QUEUEING_MS = FUNCTION_DEADLINE_MS / 2;
/** How long this process works on urgent alerts itself (ms); it ends a little before the caller's time is up. */
const LONGEST_WORK_MS = 30_000;
const BEFORE_END_MS = 500;
/** Longest time that a call may take which is under way when the caller's time is up (ms): given up, it is made again. */
const LONGEST_CALL_MS = 30_000;

/** `POST /api/enrichments`: takes an order of alerts, and waits for their enrichments when asked to. */
export function createSubmitEnrichments(
  application: Pick<Application, 'provisionStorage' | 'now'> & {
    tenants: TenantRouter<OrderScope>;
  },
  authorization: HttpAuthorization,
): HttpHandler {
  const access = createTenantAccess(authorization, application.tenants);

  return endpoint<MessageEvent>({ methods: ['POST'], authorization }, async (request, log) => {
    const type = negotiate(request.headers.get('accept'), RESPONSE_TYPES);
    if (type === undefined) {
      return notAcceptable(RESPONSE_TYPES);
    }
    const wait = readWait(request.query.get('wait'));
    if (!wait.ok) {
      return wait.error;
    }
    const body = await readRequestBody(request);
    if (!body.ok) {
      return body.error;
    }

    const orderId = randomUUID();
    const order = readOrder(body.value, orderId, application.now(), traceOf(request));
    if (order === undefined) {
      return {
        problem: 'too-large',
        detail: `An order carries at most ${MAX_ORDER} alerts. Send several orders.`,
      };
    }
    const timeIsUp = endOfWait(wait.value);
    const queueingIsOver = AbortSignal.timeout(LONGEST_QUEUEING_MS);
    await application.provisionStorage();
    const confinement = await access.confinementOf(request.headers);
    const { alerts: routed, rejected } = await routeOrder(
      order,
      access,
      confinement,
      request.query.get('tenantId'),
    );
    if (routed.length === 0) {
      return { problem: 'nothing-valid', detail: '"rejected" says what is wrong.', more: { rejected } };
    }

    const workMs = Math.max(0, Math.min(LONGEST_WORK_MS, (wait.value ?? 0) * 1_000 - BEFORE_END_MS));
    const isUrgent = workMs > 0 && routed.length <= MOST_URGENT;
    const work = {
      isOver: queueingIsOver,
      urgentUntil: AbortSignal.timeout(workMs),
      signal: AbortSignal.timeout(workMs + LONGEST_CALL_MS),
      log,
    };
    const submitted = await submitByTenant(routed, ({ submit, submitUrgent }, own) =>
      isUrgent ? submitUrgent(own, work) : submit(own, queueingIsOver),
    );
    const { queued, notQueued, error, announceError, runs } = submitted;
    log({
      event: 'order',
      orderId,
      submissions: queued.length,
      rejections: rejected.length,
      notQueued: notQueued.length,
      ...(error !== undefined && { detail: errorText(error) }),
      ...(announceError !== undefined && { announceDetail: errorText(announceError) }),
    });
    if (queued.length === 0) {
      return {
        problem: 'not-queued',
        detail: 'The storage service failed or was too slow. Send the order again later.',
      };
    }

    const isQueued = new Set(queued);
    const alerts = await Promise.all(
      routed.map(async ({ scope, ...alert }): Promise<OrderedAlert> => {
        const part = { ...alert, tenantId: scope.tenant?.id };
        if (!isQueued.has(part.submission)) {
          return { ...part, status: 'not_queued' };
        }
        if (wait.value === undefined) {
          return { ...part, status: 'pending' };
        }
        const run = runs.get(part.submission) ?? Promise.resolve();
        await withinTime(run, workMs + BEFORE_END_MS, () => undefined);
        // The alert is queued: whatever hinders the look-up, the honest answer is that it is pending.
        const status = await scope.lookup.follow(part.submission, timeIsUp).catch(() => undefined);
        return status?.kind === 'final'
          ? { ...part, status: 'final', enrichment: status.enrichment }
          : { ...part, status: 'pending' };
      }),
    );
    const open = routed.filter((_, index) => alerts[index]?.status !== 'final');
    return orderResponse(type, alerts, rejected, await latestExpectation(open));
  });
}

type OrderScope = Pick<Application, 'submit' | 'submitUrgent' | 'lookup' | 'tenant'>;

/** Each tenant's alerts by its own parts, one tenant after the other. */
async function submitByTenant(
  alerts: readonly RoutedAlert<OrderScope>[],
  submit: (scope: OrderScope, own: Submission[]) => Promise<Submitted | SubmittedUrgent>,
): Promise<SubmittedUrgent> {
  const runs = new Map<Submission, Promise<void>>();
  const total: SubmittedUrgent = { queued: [], notQueued: [], runs };
  for (const scope of new Set(alerts.map((alert) => alert.scope))) {
    const own = alerts.filter((alert) => alert.scope === scope).map(({ submission }) => submission);
    const submitted = await submit(scope, own);
    for (const [submission, run] of 'runs' in submitted ? submitted.runs : []) {
      runs.set(submission, run);
    }
    total.queued.push(...submitted.queued);
    total.notQueued.push(...submitted.notQueued);
    total.error ??= submitted.error;
    total.announceError ??= submitted.announceError;
  }
  return total;
}

/** When the last of them can be expected; undefined where there is none. */
async function latestExpectation(
  alerts: readonly RoutedAlert<OrderScope>[],
): Promise<Expectation | undefined> {
  const scopes = new Set(alerts.map(({ scope }) => scope));
  const expectations = await Promise.all([...scopes].map(({ lookup }) => lookup.expectation()));
  return expectations.reduce<Expectation | undefined>(
    (latest, next) => (latest && latest.retryAfterSeconds >= next.retryAfterSeconds ? latest : next),
    undefined,
  );
}
