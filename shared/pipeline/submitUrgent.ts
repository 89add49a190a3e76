import type { Submission } from '../intake/submission.ts';
import type { Log } from '../telemetry/log.ts';
import { enrichSubmission, type PipelineDeps } from './enrichSubmission.ts';
import type { HeldMessage } from './outbox.ts';
import { describeProgress, type MessageEvent, processing, progressEvent } from './receiveMessage.ts';
import { type Submitted, submitAll } from './submitAll.ts';

/** Most submissions of one caller that are worked on at once. More are a backlog of their own. */
export const MOST_URGENT = 10;

/** What came of submitting several, and the work on each of those that are queued. */
export interface SubmittedUrgent extends Submitted {
  /** Each ends when its submission is final or has been put back, soon after `signal` at the latest. Never rejects. */
  runs: ReadonlyMap<Submission, Promise<void>>;
}

/** How far the work on urgent submissions goes. */
interface Work {
  /** From then on no more of them are put into the queue. */
  isOver: AbortSignal;
  /** From then on no call is begun: what is not final is left to the readers of the queue. */
  urgentUntil: AbortSignal;
  /** Ends the calls that are under way, too. */
  signal: AbortSignal;
  log: Log<MessageEvent>;
}

/** Takes new submissions into the pipeline and works on them at once, before any reader of the queue. Never throws. */
export type SubmitUrgent = (submissions: readonly Submission[], work: Work) => Promise<SubmittedUrgent>;

/**
 * The message goes into the queue first and is held there, out of sight of other readers: this process is its first
 * reader. A submission that ends has its message removed; one that has to wait goes on with its message, so there is
 * never a second one; and if the process dies, the message is seen when the claim has expired.
 * @param deps The pipeline of the submissions' tenant.
 * @param fault What an error is, for the log.
 * @param tenantId Undefined for the home tenant.
 */
export function createSubmitUrgent(
  deps: PipelineDeps,
  fault: (error: unknown) => string,
  tenantId?: string,
): SubmitUrgent {
  async function run(
    submission: Submission,
    message: HeldMessage,
    { urgentUntil, signal, log }: Work,
  ): Promise<void> {
    const startedAt = deps.now();
    const urgent: PipelineDeps = {
      ...deps,
      source: {
        get name() {
          return deps.source.name;
        },
        find: (alert, end) => deps.source.find({ ...alert, urgentUntil }, end),
      },
      outbox: {
        ...deps.outbox,
        submit: message.putBack,
      },
    };
    try {
      await processing(message, submission, async (process) => {
        const progress = await enrichSubmission(submission, { messageId: message.messageId }, urgent, signal);
        describeProgress(process, progress);
        log(progressEvent(submission, progress, startedAt, deps.now(), tenantId));
        if (progress.kind !== 'deferred') {
          await message.remove();
        }
      });
    } catch (error) {
      // The message is still in the queue: its next reader does what is missing.
      const { alertId, submissionId } = submission;
      log({ event: 'urgent_failed', alertId, submissionId, detail: fault(error) });
    }
  }

  return async (submissions, work) => {
    const runs = new Map<Submission, Promise<void>>();
    const submit = async (submission: Submission) => {
      const message = await deps.outbox.hold(submission, deps.rules.claimExpiryMs);
      runs.set(submission, run(submission, message, work));
    };
    return { ...(await submitAll(submissions, submit, work.isOver)), runs };
  };
}
