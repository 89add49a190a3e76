import type { Enrichment } from '../enrichment/enrichment.ts';
import type { Submission } from '../intake/submission.ts';
import type { Expectation } from '../lookup/alertLookup.ts';
import { noticeSummary, type Summary } from '../summary/summary.ts';
import { expectationFields, locationOf, pendingCard, retryAfter } from './alertResponse.ts';
import type { OrderAnswer } from './contract.ts';
import { cardsResponse, jsonResponse, type ResponseType, type TextResponse } from './response.ts';

/** What became of one valid alert of an order. `tenantId` is undefined for the home tenant. */
export type OrderedAlert = { index: number; submission: Submission; tenantId: string | undefined } & (
  | { status: 'final'; enrichment: Enrichment }
  | { status: 'pending' | 'not_queued' }
);

/** A part of an order that is no alert, or one that the caller may not hand in. */
export type RejectedPart = OrderAnswer['rejected'][number];

/**
 * The answer to an order: 200 when each alert is final, else 202 with the time to ask again.
 * @param expectation When what is not final can be expected; undefined when all is.
 */
export function orderResponse(
  type: ResponseType,
  alerts: readonly OrderedAlert[],
  rejected: readonly RejectedPart[],
  expectation: Expectation | undefined,
): TextResponse {
  const [only, ...others] = alerts;
  const headers = {
    vary: 'Accept',
    ...(only !== undefined &&
      others.length === 0 && {
        location: locationOf(only.submission.alertId, only.tenantId),
      }),
    ...(expectation !== undefined && retryAfter(expectation)),
  };
  const status = expectation === undefined ? 200 : 202;
  if (type !== 'application/json') {
    const cards = [
      ...alerts.map((alert) => cardOf(alert, expectation)),
      ...rejected.map(({ index, detail }) => rejectedCard(index, detail)),
    ];
    return cardsResponse(type, status, cards, headers);
  }
  const answer: OrderAnswer = {
    submissions: alerts.map(({ index, submission: { alertId, submissionId }, tenantId, ...rest }) => ({
      index,
      alertId,
      submissionId,
      location: locationOf(alertId, tenantId),
      ...rest,
    })),
    rejected: [...rejected],
    ...(expectation !== undefined && expectationFields(expectation)),
  };
  return jsonResponse(status, answer, headers);
}

function cardOf(alert: OrderedAlert, expectation: Expectation | undefined): Summary {
  const { alertId } = alert.submission;
  if (alert.status === 'final' && alert.enrichment.summary !== undefined) {
    return alert.enrichment.summary;
  }
  if (alert.status === 'not_queued' || expectation === undefined) {
    return noticeSummary('The alert could not be queued; order it again', [
      { label: 'Alert', value: alertId },
    ]);
  }
  return pendingCard(alertId, expectation);
}

function rejectedCard(index: number, detail: string): Summary {
  return noticeSummary('A part of the order is no valid alert', [
    { label: 'Place in the order', value: String(index) },
    { label: 'Reason', value: detail },
  ]);
}
