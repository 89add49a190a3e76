import type { Expectation, StoredEnrichment } from '../lookup/alertLookup.ts';
import { noticeSummary, type Summary } from '../summary/summary.ts';
import type { PendingAlert } from './contract.ts';
import {
  cardsResponse,
  entityTagOf,
  isKnown,
  jsonResponse,
  type ResponseType,
  type TextResponse,
} from './response.ts';

/** The answer depends on `Accept`, and shared caches must not keep it. */
const VARYING = { vary: 'Accept', 'cache-control': 'private, no-cache' };

/**
 * An alert's enrichment, or 304 when the caller has it already.
 * @param ifNoneMatch The caller's header; null when there is none.
 */
export function enrichmentResponse(
  type: ResponseType,
  enrichment: StoredEnrichment,
  ifNoneMatch: string | null,
): TextResponse {
  const answer =
    type === 'application/json'
      ? jsonResponse(200, enrichment, VARYING)
      : cardsResponse(type, 200, enrichment.summary === undefined ? [] : [enrichment.summary], VARYING);
  const etag = entityTagOf(answer.body ?? '');
  return isKnown(etag, ifNoneMatch)
    ? { status: 304, headers: { ...VARYING, etag } }
    : { ...answer, headers: { ...answer.headers, etag } };
}

/**
 * The answer 202 about an alert that is not final: when to ask again, and where.
 * @param tenantId Undefined for the home tenant.
 */
export function pendingResponse(
  type: ResponseType,
  alertId: string,
  expectation: Expectation,
  deferral?: PendingAlert['deferral'],
  tenantId?: string,
): TextResponse {
  // Clients that poll by themselves, Logic Apps among them, look for the address here.
  const headers = { ...retryAfter(expectation), location: locationOf(alertId, tenantId), vary: 'Accept' };
  if (type !== 'application/json') {
    return cardsResponse(type, 202, [pendingCard(alertId, expectation)], headers);
  }
  const pending: PendingAlert = {
    alertId,
    ...(tenantId !== undefined && { tenantId }),
    status: 'pending',
    ...(deferral && { deferral }),
    ...expectationFields(expectation),
  };
  return jsonResponse(202, pending, headers);
}

/** What a JSON answer says while something is pending. */
export function expectationFields({ expectedAt, retryAfterSeconds }: Expectation) {
  return { retryAfterSeconds, ...(expectedAt !== undefined && { expectedAt: expectedAt.toISOString() }) };
}

/** The header that says in how many seconds to ask again. */
export function retryAfter({ retryAfterSeconds }: Expectation): Record<string, string> {
  return { 'retry-after': String(retryAfterSeconds) };
}

/** The card of an alert that is not final. */
export function pendingCard(alertId: string, { expectedAt, retryAfterSeconds }: Expectation): Summary {
  return noticeSummary('The device is being looked up', [
    { label: 'Alert', value: alertId },
    ...(expectedAt === undefined ? [] : [{ label: 'Expected by', value: expectedAt.toISOString() }]),
    { label: 'Ask again in', value: `${retryAfterSeconds} s` },
  ]);
}

/**
 * Where the enrichment of an alert is found, with the route prefix that host.json leaves at its default.
 * @param tenantId Undefined for the home tenant.
 */
export function locationOf(alertId: string, tenantId?: string): string {
  return `/api/enrichments/${alertId}${tenantId === undefined ? '' : `?tenantId=${tenantId}`}`;
}
