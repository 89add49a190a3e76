import type { QueueClient } from '@azure/storage-queue';
import { fitMessage, type MessageWriter } from '../enrichment/outputMessage.ts';
import { envelopeOf, type Submission } from '../intake/submission.ts';
import { deadLetterText, type HeldMessage, type Outbox } from '../pipeline/outbox.ts';
import { DEVICE_ROW_KEY } from './enrichmentTable.ts';
import { hasStatus, storageErrorCode } from './storageError.ts';

/** No expiry: what waits here must survive any outage of its reader. */
const KEEP = -1;
/** The service takes at most seven days (https://learn.microsoft.com/rest/api/storageservices/put-message). */
const LONGEST_DELAY_SECONDS = 7 * 24 * 3_600;

/**
 * The outbox as three queues.
 * @param write How enrichments are written; as they are when left out.
 */
export function createQueueOutbox(
  queues: { alerts: QueueClient; poison: QueueClient; enrichments: QueueClient },
  enrichmentsTable: string,
  write?: MessageWriter,
): Outbox {
  async function send(queue: QueueClient, content: string, delayMs: number) {
    const visibilityTimeout = secondsOf(delayMs);
    return queue.sendMessage(toMessageText(content), { visibilityTimeout, messageTimeToLive: KEEP });
  }

  async function hold(submission: Submission, forMs: number): Promise<HeldMessage> {
    const { alerts } = queues;
    const { messageId, popReceipt } = await send(alerts, messageOf(submission), forMs);
    return {
      messageId,
      putBack: (later, delayMs, claimKey) =>
        unlessLost(
          alerts.updateMessage(
            messageId,
            popReceipt,
            toMessageText(messageOf(later, claimKey)),
            secondsOf(delayMs),
          ),
        ),
      remove: () => unlessLost(alerts.deleteMessage(messageId, popReceipt)),
    };
  }

  return {
    async submit(submission, delayMs, claimKey) {
      await send(queues.alerts, messageOf(submission, claimKey), delayMs);
    },
    hold,
    async publish(enrichment) {
      const row = { table: enrichmentsTable, partitionKey: enrichment.alertId, rowKey: DEVICE_ROW_KEY };
      await send(queues.enrichments, fitMessage(enrichment, row, fitsMessage, write), 0);
    },
    async bury(letter) {
      await send(queues.poison, deadLetterText(letter, fitsMessage), 0);
    },
  };
}

function messageOf(submission: Submission, claimKey?: string): string {
  return JSON.stringify(envelopeOf(submission, claimKey));
}

function secondsOf(delayMs: number): number {
  return Math.min(LONGEST_DELAY_SECONDS, Math.ceil(delayMs / 1_000));
}

/** Once a message is seen by another reader, its receipt is void, and once that one is done, the message is gone. */
async function unlessLost(change: Promise<unknown>): Promise<void> {
  try {
    await change;
  } catch (error) {
    if (!hasStatus(error, 404) && storageErrorCode(error) !== 'PopReceiptMismatch') {
      throw error;
    }
  }
}

/**
 * A queue message holds at most 64 KiB of text
 * (https://learn.microsoft.com/rest/api/storageservices/put-message), and base64 takes a third more than its content.
 */
const LONGEST_CONTENT_BYTES = 49_152;

export function fitsMessage(content: string): boolean {
  return Buffer.byteLength(content, 'utf8') <= LONGEST_CONTENT_BYTES;
}

/** The text of a message with this content: base64, which queue triggers and the Logic Apps connector read as it is. */
export function toMessageText(content: string): string {
  return Buffer.from(content, 'utf8').toString('base64');
}
