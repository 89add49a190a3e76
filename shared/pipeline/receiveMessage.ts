import type { Delivery } from '../intake/messageId.ts';
import { readMessage } from '../intake/readMessage.ts';
import type { Rejection } from '../intake/rejection.ts';
import { type Log, progressEvent } from '../telemetry/log.ts';
import { enrichSubmission, type PipelineDeps } from './enrichSubmission.ts';
import { submitAll } from './submitAll.ts';

/**
 * Handles one message of the input queue: a single alert is taken through the pipeline; several become submissions of
 * their own; what is no alert is buried with the reason.
 * @throws When our own storage fails: the message is delivered again.
 */
export async function receiveMessage(
  message: { body: unknown; delivery: Delivery },
  deps: PipelineDeps,
  log: Log,
  signal: AbortSignal,
): Promise<void> {
  const startedAt = deps.now();
  const { submissions, rejections, bearer } = readMessage(message.body, message.delivery, startedAt);
  for (const rejection of rejections) await bury(rejection, startedAt, deps, log);

  const [only, ...others] = submissions;
  if (only === undefined) return;
  if (others.length > 0) {
    // Their IDs follow from the message's: when a crash makes this happen twice, the copies are known as such.
    const { error } = await submitAll(submissions, (submission) => deps.outbox.submit(submission, 0));
    if (error !== undefined) throw error;
    log({ event: 'split', submissions: submissions.length, rejections: rejections.length });
    return;
  }
  const progress = await enrichSubmission(only, bearer, deps, signal);
  log(progressEvent(only, progress, startedAt, deps.now()));
}

async function bury(
  { reason, detail, alertId, original }: Rejection,
  now: Date,
  { outbox }: PipelineDeps,
  log: Log,
) {
  const time = now.toISOString();
  await outbox.bury({ reason, detail, original, attempts: 0, firstSeen: time, deadAt: time });
  log({ event: 'rejected', reason, detail, alertId });
}
