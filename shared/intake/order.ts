import { checkSharedFields, newSubmission } from './alertRequest.ts';
import { readPayload } from './readPayload.ts';
import type { Fault } from './rejection.ts';
import type { Submission } from './submission.ts';

/** The most alerts that one order may carry. */
export const MAX_ORDER = 1_000;

/** An order: alerts that a caller hands in together by HTTP. */
export interface Order {
  /** `index` tells the place in the order, from 0. */
  submissions: { index: number; submission: Submission }[];
  rejected: ({ index: number } & Fault)[];
}

/**
 * Reads an order in any of the forms that a message may have, but for the pipeline's own envelope: a caller may not
 * say how far a submission has come. Throws for no input.
 * @param orderId New with each order; the submission IDs are made of it.
 * @param trace The trace that the request belongs to, unchecked; alerts that name one themselves belong to that.
 * @returns Undefined when it carries more than `MAX_ORDER` alerts.
 * @example
 * readOrder({ alertIds: ['a1', '../x'] }, 'order-1', new Date());
 * // the submission "order-1.0" at index 0, and a rejection "bad-alert-id" at index 1
 */
export function readOrder(
  value: unknown,
  orderId: string,
  now: Date,
  trace: { traceparent?: string | undefined; tracestate?: string | undefined } = {},
): Order | undefined {
  const reading = readPayload(value);
  const results = reading.kind === 'list' ? reading.items.map(({ result }) => result) : [reading.result];
  if (
    results.length > MAX_ORDER ||
    results.some((result) => !result.ok && result.error.reason === 'too-many')
  ) {
    return undefined;
  }
  const order: Order = { submissions: [], rejected: [] };
  const checked = checkSharedFields(trace);
  const { traceparent, tracestate } = checked.ok ? checked.value : {};
  const origin = traceparent === undefined ? {} : { traceparent, tracestate };
  for (const [index, result] of results.entries()) {
    if (result.ok) {
      const request = result.value.traceparent === undefined ? { ...result.value, ...origin } : result.value;
      const submission = newSubmission(request, `${orderId}.${index}`, now);
      order.submissions.push({ index, submission });
    } else {
      order.rejected.push({ index, ...result.error });
    }
  }
  return order;
}
