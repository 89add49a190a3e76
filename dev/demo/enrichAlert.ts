import { setTimeout as delay } from 'node:timers/promises';
import type { QueueClient } from '@azure/storage-queue';
import { enrichmentOf, type MessageOptions } from '#shared/enrichment/answer.ts';
import type { Enrichment } from '#shared/enrichment/enrichment.ts';
import type { Submission } from '#shared/intake/submission.ts';
import type { AlertRecords } from '#shared/pipeline/alertRecords.ts';
import { toMessageText } from '#shared/storage/queueOutbox.ts';

const LOOK_EVERY_MS = 250;
/** No expiry. */
const KEEP = -1;

/**
 * Submits an alert.
 * @throws RestError when the queue is not there or storage cannot be used.
 */
export async function submitAlert(alerts: QueueClient, alertId: string): Promise<Submission> {
  const text = toMessageText(JSON.stringify({ alertId }));
  const { messageId, insertedOn } = await alerts.sendMessage(text, { messageTimeToLive: KEEP });
  // Intake makes the same of it: no field of this payload hides the message's ID.
  const fresh = { attempts: 0, notFoundAnswers: 0, deferrals: 0 };
  return { alertId, submissionId: messageId, firstSeen: insertedOn.toISOString(), ...fresh };
}

/**
 * Waits for the enrichment, by the alert's row: messages in the output queue are left to those who wait for them.
 * @returns Undefined when the time (milliseconds since 1970) has come before.
 */
export async function awaitEnrichment(
  submission: Submission,
  records: AlertRecords,
  message: MessageOptions,
  deadline: number,
): Promise<Enrichment | undefined> {
  for (;;) {
    const state = (await records.read(submission.alertId))?.state;
    if (state?.answer !== undefined && state.published.includes(submission.submissionId)) {
      return enrichmentOf(submission, state.answer, message);
    }
    if (Date.now() >= deadline) {
      return undefined;
    }
    await delay(LOOK_EVERY_MS);
  }
}
