import { randomUUID } from 'node:crypto';
import type { HttpHandler } from '@azure/functions';
import type { Application } from '../../shared/application.ts';
import type { HttpAuthorization } from '../../shared/config/httpSettings.ts';
import { FUNCTION_DEADLINE_MS } from '../../shared/config/timingSettings.ts';
import { negotiate } from '../../shared/http/contentNegotiation.ts';
import { endpoint } from '../../shared/http/endpoint.ts';
import { type OrderedAlert, orderResponse } from '../../shared/http/orderResponse.ts';
import { notAcceptable } from '../../shared/http/problem.ts';
import { endOfWait, readRequestBody, readWait } from '../../shared/http/request.ts';
import { RESPONSE_TYPES } from '../../shared/http/response.ts';
import { MAX_ORDER, readOrder } from '../../shared/intake/order.ts';
import type { MessageEvent } from '../../shared/pipeline/receiveMessage.ts';
import { MOST_URGENT } from '../../shared/pipeline/submitUrgent.ts';
import { withinTime } from '../../shared/promises.ts';
import { errorText } from '../../shared/storage/storageError.ts';

/** Alerts of an order are put into the queue for so long at most; the rest of a run is for the answer that says so. */
const LONGEST_QUEUEING_MS = FUNCTION_DEADLINE_MS / 2;
/** So long this process works on urgent alerts itself, and ends a little before the caller's time is up. */
const LONGEST_WORK_MS = 30_000;
const BEFORE_END_MS = 500;

/** `POST /api/enrichments`: takes an order of alerts, and waits for their enrichments when asked to. */
export function createSubmitEnrichments(
  application: Pick<Application, 'submit' | 'submitUrgent' | 'lookup' | 'provisionStorage' | 'now'>,
  authorization: HttpAuthorization,
): HttpHandler {
  const { lookup } = application;

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
    const order = readOrder(body.value, orderId, application.now());
    if (order === undefined) {
      return {
        problem: 'too-large',
        detail: `An order carries at most ${MAX_ORDER} alerts. Send several orders.`,
      };
    }
    const { submissions, rejected } = order;
    if (submissions.length === 0) {
      return { problem: 'nothing-valid', detail: '"rejected" says what is wrong.', more: { rejected } };
    }

    const timeIsUp = endOfWait(wait.value);
    const queueingIsOver = AbortSignal.timeout(LONGEST_QUEUEING_MS);
    await application.provisionStorage();
    const all = submissions.map(({ submission }) => submission);
    const workMs = Math.min(LONGEST_WORK_MS, (wait.value ?? 0) * 1_000 - BEFORE_END_MS);
    const isUrgent = workMs > 0 && all.length <= MOST_URGENT;
    const work = { isOver: queueingIsOver, log };
    const submitted = isUrgent
      ? await application.submitUrgent(all, { ...work, signal: AbortSignal.timeout(workMs) })
      : { ...(await application.submit(all, queueingIsOver)), runs: undefined };
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
      submissions.map(async (part): Promise<OrderedAlert> => {
        if (!isQueued.has(part.submission)) {
          return { ...part, status: 'not_queued' };
        }
        if (wait.value === undefined) {
          return { ...part, status: 'pending' };
        }
        await withinTime(
          runs?.get(part.submission) ?? Promise.resolve(),
          workMs + BEFORE_END_MS,
          () => undefined,
        );
        // The alert is queued: whatever hinders the look-up, the honest answer is that it is pending.
        const status = await lookup.follow(part.submission, timeIsUp).catch(() => undefined);
        return status?.kind === 'final'
          ? { ...part, status: 'final', enrichment: status.enrichment }
          : { ...part, status: 'pending' };
      }),
    );
    const isFinal = alerts.every(({ status }) => status === 'final');
    return orderResponse(type, alerts, rejected, isFinal ? undefined : await lookup.expectation());
  });
}
