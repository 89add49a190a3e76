import type { Submission } from '../intake/submission.ts';
import type { AlertRecords } from './alertRecords.ts';
import type { Outbox } from './outbox.ts';

/** Submissions are put into the queue this many at a time. */
const AT_ONCE = 16;

/** What came of submitting several. Each is in exactly one of the two, in the order given. */
export interface Submitted {
  queued: Submission[];
  /** Those that failed, and those that were not tried any more after one had. */
  notQueued: Submission[];
  /** What the first failure was; undefined when all are queued. */
  error?: unknown;
}

/** Takes new submissions into the pipeline; never throws. */
export type Submit = (submissions: readonly Submission[]) => Promise<Submitted>;

/** Submits in parallel batches; stops after a batch in which one failed, since the next would hardly do better. */
export async function submitAll(
  submissions: readonly Submission[],
  submit: (submission: Submission) => Promise<void>,
): Promise<Submitted> {
  const queued: Submission[] = [];
  const failed: Submission[] = [];
  let error: unknown;
  let next = 0;
  while (next < submissions.length && failed.length === 0) {
    const batch = submissions.slice(next, next + AT_ONCE);
    next += batch.length;
    const results = await Promise.allSettled(batch.map(submit));
    for (const [index, submission] of batch.entries()) {
      const result = results[index];
      if (result?.status === 'rejected') {
        if (failed.length === 0) error = result.reason;
        failed.push(submission);
      } else {
        queued.push(submission);
      }
    }
  }
  return failed.length === 0
    ? { queued, notQueued: [] }
    : { queued, notQueued: [...failed, ...submissions.slice(next)], error };
}

/**
 * Submits so that a look-up finds the alert as pending from then on: its record is created when the message is in the
 * queue. A crash or a failure in between loses nothing, because the claim creates the record as well.
 */
export function createSubmit({
  outbox,
  records,
  now,
}: {
  outbox: Pick<Outbox, 'submit'>;
  records: Pick<AlertRecords, 'announce'>;
  now: () => Date;
}): Submit {
  return (submissions) =>
    submitAll(submissions, async (submission) => {
      await outbox.submit(submission, 0);
      await records.announce(submission.alertId, now()).catch(() => undefined);
    });
}
