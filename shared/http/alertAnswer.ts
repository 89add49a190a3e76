import type { Expectation } from '../lookup/expectation.ts';
import type { StoredEnrichment } from '../lookup/storedEnrichment.ts';
import { type Answer, jsonAnswer } from './answer.ts';
import { type AnswerType, cardsAnswer } from './cards.ts';
import type { PendingAlert } from './contract.ts';
import { entityTagOf, isKnown } from './entityTag.ts';
import { locationOf } from './location.ts';
import { expectationFields, pendingCard, retryAfter } from './pending.ts';

/** One address answers in several media types, and to those who may read it only. */
const VARYING = { vary: 'Accept', 'cache-control': 'private, no-cache' };

/**
 * An alert's enrichment, or 304 when the caller has it already.
 * @param ifNoneMatch The caller's header; null when there is none.
 */
export function enrichmentAnswer(
  type: AnswerType,
  enrichment: StoredEnrichment,
  ifNoneMatch: string | null,
): Answer {
  const answer =
    type === 'application/json'
      ? jsonAnswer(200, enrichment, VARYING)
      : cardsAnswer(type, 200, enrichment.summary === undefined ? [] : [enrichment.summary], VARYING);
  const etag = entityTagOf(answer.body ?? '');
  return isKnown(etag, ifNoneMatch)
    ? { status: 304, headers: { ...VARYING, etag } }
    : { ...answer, headers: { ...answer.headers, etag } };
}

export function pendingAnswer(type: AnswerType, alertId: string, expectation: Expectation): Answer {
  // Clients that poll by themselves, Logic Apps among them, look for the address here.
  const headers = { ...retryAfter(expectation), location: locationOf(alertId), vary: 'Accept' };
  if (type !== 'application/json') {
    return cardsAnswer(type, 202, [pendingCard(alertId, expectation)], headers);
  }
  const pending: PendingAlert = { alertId, status: 'pending', ...expectationFields(expectation) };
  return jsonAnswer(202, pending, headers);
}
