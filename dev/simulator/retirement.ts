import type { Answer } from './answer.ts';
import { defenderErrors, type ErrorContext, type ErrorText } from './apiError.ts';

/** How an API that is gone may answer every call. Which of them Microsoft's will choose is not known. */
export const retiredStatuses = [403, 404, 410] as const;
export type RetiredStatus = (typeof retiredStatuses)[number];

/** Whether the Defender API serves, or is gone for good. */
export interface Retirement {
  /** From now on every call gets this status, whatever its token; null brings the API back. */
  set(status: RetiredStatus | null): void;
  /** What every call is answered; undefined while the API serves. */
  answer(context: ErrorContext): Answer | undefined;
  /** As at the start. */
  reset(): void;
}

const errors: Record<RetiredStatus, ErrorText> = {
  403: { code: 'Forbidden', message: 'Access to this API is not permitted.' },
  404: { code: 'ResourceNotFound', message: 'No HTTP resource was found that matches the request URI.' },
  410: { code: 'Gone', message: 'This API has been retired. Use Microsoft Graph.' },
};

export function createRetirement(statusAtStart: RetiredStatus | null): Retirement {
  let status = statusAtStart;
  return {
    set(newStatus) {
      status = newStatus;
    },
    answer: (context) =>
      status === null ? undefined : { status, body: defenderErrors.body(errors[status], context) },
    reset() {
      status = statusAtStart;
    },
  };
}
