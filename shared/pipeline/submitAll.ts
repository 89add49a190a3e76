import type { Submission } from '../intake/submission.ts';
import type { AlertRecords } from './alertRecords.ts';
import type { Outbox } from './outbox.ts';

/** Submissions are put into the queue this many at a time. */
const AT_ONCE = 16;

/** What came of submitting several. Each is in exactly one of the two, in the order given. */
export interface Submitted {
  queued: Submission[];
  /** Those that failed, and those that were not tried any more. */
  notQueued: Submission[];
  /** What the first failure was, or why the signal was given; undefined when all are queued. */
  error?: unknown;
  /** Why the record of one that is queued could not be created: until its message is read, a look-up does not find that alert. */
  announceError?: unknown;
}

/** Takes new submissions into the pipeline; begins no more of them once the signal is given. Never throws. */
export type Submit = (submissions: readonly Submission[], signal?: AbortSignal) => Promise<Submitted>;

/**
 * Submits in parallel batches. Stops after a batch in which one failed, since the next would hardly do better, and after
 * the batch in which the signal is given.
 */
export async function submitAll(
  submissions: readonly Submission[],
  submit: (submission: Submission) => Promise<void>,
  signal?: AbortSignal,
): Promise<Submitted> {
  const queued: Submission[] = [];
  const failed: Submission[] = [];
  let error: unknown;
  let next = 0;
  while (next < submissions.length && failed.length === 0 && !signal?.aborted) {
    const batch = submissions.slice(next, next + AT_ONCE);
    next += batch.length;
    const results = await Promise.allSettled(batch.map(submit));
    for (const [index, submission] of batch.entries()) {
      const result = results[index];
      if (result?.status === 'rejected') {
        if (failed.length === 0) {
          error = result.reason;
        }
        failed.push(submission);
      } else {
        queued.push(submission);
      }
    }
  }
  const notQueued = [...failed, ...submissions.slice(next)];
  if (notQueued.length === 0) {
    return { queued, notQueued };
  }
  return { queued, notQueued, error: failed.length > 0 ? error : signal?.reason };
}

/**
 * Submits so that a look-up finds the alert as pending from then on: its record is created when the message is in the
 * queue. A crash or a failure in between loses nothing, because the claim creates the record as well.
 */
export function createSubmit({
  outbox,
  records,
}: {
  outbox: Pick<Outbox, 'submit'>;
  records: Pick<AlertRecords, 'announce'>;
}): Submit {
  return async (submissions, signal) => {
    let announceError: unknown;
    async function submitOne(submission: Submission): Promise<void> {
      await outbox.submit(submission, 0);
      await records.announce(submission.alertId).catch((error: unknown) => {
        announceError ??= error;
      });
    }
    const submitted = await submitAll(submissions, submitOne, signal);
    return announceError === undefined ? submitted : { ...submitted, announceError };
  };
}
