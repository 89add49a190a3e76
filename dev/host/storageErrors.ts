import { RestError } from '@azure/storage-queue';

const GONE_CODES = ['PopReceiptMismatch', 'MessageNotFound', 'QueueNotFound', 'QueueBeingDeleted'];

/**
 * Ends a request to the queue that gets no answer. The real host's library has such a limit too (100 s); the one that
 * is used here has none.
 */
export function requestLimit(): { abortSignal: AbortSignal } {
  return { abortSignal: AbortSignal.timeout(LONGEST_REQUEST_MS) };
}

const LONGEST_REQUEST_MS = 30_000;

/**
 * What a failed queue request means to the Functions host:
 * `gone`: the message or queue is another's business now; carry on.
 * `unavailable`: the account fails or cannot be reached; the message comes back when its lease ends.
 * `refused`: a missing permission or a wrong setting, which no retry mends; the host stops.
 */
export function classifyStorageError(error: unknown): 'gone' | 'unavailable' | 'refused' {
  // A request that got no answer was ended by its limit.
  if (error instanceof Error && error.name === 'AbortError') {
    return 'unavailable';
  }
  if (!(error instanceof RestError)) {
    return 'refused';
  }
  if (error.code !== undefined && GONE_CODES.includes(error.code)) {
    return 'gone';
  }
  // No status: no answer. The host would end and be started again by Azure; here it just asks again.
  return error.statusCode === undefined || error.statusCode >= 500 ? 'unavailable' : 'refused';
}
