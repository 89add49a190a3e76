import type { QueueClient } from '@azure/storage-queue';
import { fitMessage, type MessageWriter } from '../enrichment/outputMessage.ts';
import { envelopeOf, type Submission } from '../intake/submission.ts';
import { deadLetterText, type HeldMessage, type Outbox } from '../pipeline/outbox.ts';
import { type Attributes, span } from '../telemetry/telemetry.ts';
import { hasStatus, storageErrorCode } from './storageError.ts';

/** No expiry: what waits here must survive any outage of its reader. */
const KEEP = -1;
/** The service takes at most seven days (https://learn.microsoft.com/rest/api/storageservices/put-message). */
const LONGEST_DELAY_SECONDS = 7 * 24 * 3_600;

/**
 * The outbox of one tenant as three queues, which all tenants share.
 * @param rows Where the tenant's enrichments are found, for a message that only points to one.
 * @param write How enrichments are written; as they are when left out.
 */
export function createQueueOutbox(
  queues: { alerts: QueueClient; poison: QueueClient; enrichments: QueueClient },
  rows: { table: string; rowKey: string },
  write?: MessageWriter,
): Outbox {
  const { alerts } = queues;

  async function send(queue: QueueClient, content: string, delayMs: number) {
    const visibilityTimeout = secondsOf(delayMs);
    return queue.sendMessage(toMessageText(content), { visibilityTimeout, messageTimeToLive: KEEP });
  }

  function submitNew(submission: Submission, delayMs: number, claimKey?: string) {
    return span(
      'send',
      { attributes: operation('send', 'send', alerts), parent: submission },
      ({ context }) => send(alerts, messageOf({ ...submission, ...context }, claimKey), delayMs),
    );
  }

  function defer<Result>(delayMs: number, work: () => Promise<Result>): Promise<Result> {
    const attributes = {
      ...operation('defer', 'settle', alerts),
      'alert_enrichment.delay': delayMs / 1_000,
    };
    return span('defer', { attributes }, work);
  }

  return {
    async submit(submission, delayMs, claimKey) {
      await (submission.deferrals > 0
        ? defer(delayMs, () => send(alerts, messageOf(submission, claimKey), delayMs))
        : submitNew(submission, delayMs, claimKey));
    },
    async hold(submission, forMs): Promise<HeldMessage> {
      const { messageId, popReceipt } = await submitNew(submission, forMs);
      return {
        messageId,
        putBack(later, delayMs, claimKey) {
          const text = toMessageText(messageOf(later, claimKey));
          return defer(delayMs, () =>
            unlessLost(alerts.updateMessage(messageId, popReceipt, text, secondsOf(delayMs))),
          );
        },
        remove: () => unlessLost(alerts.deleteMessage(messageId, popReceipt)),
      };
    },
    publish(enrichment) {
      const row = { ...rows, partitionKey: enrichment.alertId };
      return span(
        'send',
        { attributes: operation('send', 'send', queues.enrichments) },
        async ({ context }) => {
          await send(
            queues.enrichments,
            fitMessage({ ...enrichment, ...context }, row, fitsMessage, write),
            0,
          );
        },
      );
    },
    bury: (letter) =>
      span('send', { attributes: operation('send', 'send', queues.poison) }, async () => {
        await send(queues.poison, deadLetterText(letter, fitsMessage), 0);
      }),
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

/** https://opentelemetry.io/docs/specs/semconv/messaging/messaging-spans/ */
function operation(name: string, type: 'send' | 'settle', queue: QueueClient): Attributes {
  return {
    'messaging.operation.name': name,
    'messaging.operation.type': type,
    'messaging.destination.name': queue.name,
  };
}

/**
 * A queue message holds at most 64 KiB of text
 * (https://learn.microsoft.com/rest/api/storageservices/put-message), and base64 takes a third more than its content.
 */
const LONGEST_CONTENT_BYTES = 49_152;

/** Whether a content is short enough for one queue message. */
export function fitsMessage(content: string): boolean {
  return Buffer.byteLength(content, 'utf8') <= LONGEST_CONTENT_BYTES;
}

/** The text of a message with this content: base64, which queue triggers and the Logic Apps connector read as it is. */
export function toMessageText(content: string): string {
  return Buffer.from(content, 'utf8').toString('base64');
}
