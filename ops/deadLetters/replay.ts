import type { QueueClient } from '@azure/storage-queue';
import type { Submission } from '#shared/intake/submission.ts';
import type { Outbox } from '#shared/pipeline/outbox.ts';
import { hasStatus } from '#shared/storage/storageError.ts';
import type { PoisonMessage } from './poisonMessage.ts';
import type { PoisonQueue } from './poisonQueue.ts';
import { isSelected, type Selection } from './selection.ts';

/** What a replay works with. */
export interface ReplayDeps {
  poison: PoisonQueue;
  alerts: QueueClient;
  outbox: Pick<Outbox, 'submit'>;
  now: () => Date;
  /** Hears how many messages have been looked at. */
  onProgress: (done: number) => void;
}

/** What a replay did. */
export interface ReplayReport {
  replayed: number;
  /** Selected, and still in the poison queue. */
  left: { message: PoisonMessage; why: string }[];
  /** What "all" does not mean: messages that were no alert. */
  rejectionsPassedBy: number;
  /** About how many messages another reader holds at this moment. */
  hidden: number;
}

/** No expiry. */
const KEEP = -1;

/**
 * Replays the selected messages. Each is put into the alerts queue before it leaves the poison queue, so that nothing
 * is lost wherever the replay is interrupted; what was done twice is known by the same submission ID.
 * @throws When the storage service cannot be used.
 */
export async function replay(selection: Selection, deps: ReplayDeps): Promise<ReplayReport> {
  const report: ReplayReport = { replayed: 0, left: [], rejectionsPassedBy: 0, hidden: 0 };
  let done = 0;
  await deps.poison.visitAll(async (message, remove) => {
    if (isSelected(message, selection)) {
      const why = await replayOne(message, remove, deps);
      if (why === undefined) {
        report.replayed += 1;
      } else {
        report.left.push({ message, why });
      }
    } else if (selection.kind === 'all') {
      report.rejectionsPassedBy += 1;
    }
    done += 1;
    deps.onProgress(done);
  });
  const seenAndLeft = done - report.replayed;
  report.hidden = Math.max(0, (await deps.poison.count()) - seenAndLeft);
  return report;
}

/** Why it is still in the poison queue, or undefined when it is replayed. */
async function replayOne(
  message: PoisonMessage,
  remove: () => Promise<boolean>,
  { alerts, outbox, now }: ReplayDeps,
): Promise<string | undefined> {
  const { replay } = message;
  switch (replay.kind) {
    case 'impossible':
      return replay.why;
    case 'submission':
      await outbox.submit(renewed(replay.submission, message.id, now()), 0);
      break;
    case 'rejected-text':
    case 'host-copy':
      try {
        await alerts.sendMessage(replay.text, { messageTimeToLive: KEEP });
      } catch (error) {
        if (hasStatus(error, 400)) {
          return 'the queue does not take its text (characters that XML cannot hold)';
        }
        throw error;
      }
  }
  return (await remove())
    ? undefined
    : 'it was replayed, but somebody else holds it now; replay it again later';
}

/**
 * The submission as a new one, whose `MAX_AGE` counts from now. The pipeline ignores an ID that it has published, so
 * it gets a new one: the dead letter's, which is the same however often the replay is begun.
 */
export function renewed({ inLine: _, ...submission }: Submission, messageId: string, now: Date): Submission {
  return {
    ...submission,
    submissionId: messageId,
    firstSeen: now.toISOString(),
    attempts: 0,
    notFoundAnswers: 0,
    deferrals: 0,
  };
}
