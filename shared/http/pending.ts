import type { Expectation } from '../lookup/expectation.ts';
import { noticeSummary, type Summary } from '../summary/summary.ts';

/** What a JSON answer says while something is pending. */
export function expectationFields({ expectedAt, retryAfterSeconds }: Expectation) {
  return { retryAfterSeconds, ...(expectedAt !== undefined && { expectedAt: expectedAt.toISOString() }) };
}

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
