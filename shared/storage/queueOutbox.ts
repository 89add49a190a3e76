import type { QueueClient } from '@azure/storage-queue';
import { fitMessage, type MessageWriter } from '../enrichment/outputMessage.ts';
import { envelopeOf } from '../intake/submission.ts';
import { deadLetterText, type Outbox } from '../pipeline/outbox.ts';
import { type Attributes, span } from '../telemetry/telemetry.ts';

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
  async function send(queue: QueueClient, content: string, delayMs: number): Promise<void> {
    const visibilityTimeout = Math.min(LONGEST_DELAY_SECONDS, Math.ceil(delayMs / 1_000));
    await queue.sendMessage(toMessageText(content), { visibilityTimeout, messageTimeToLive: KEEP });
  }

  return {
    submit(submission, delayMs, claimKey) {
      if (submission.deferrals > 0) {
        const attributes = {
          ...operation('defer', 'settle', queues.alerts),
          'alert_enrichment.delay': delayMs / 1_000,
        };
        return span('defer', { attributes }, () =>
          send(queues.alerts, JSON.stringify(envelopeOf(submission, claimKey)), delayMs),
        );
      }
      const attributes = operation('send', 'send', queues.alerts);
      return span('send', { attributes, parent: submission }, ({ context }) =>
        send(queues.alerts, JSON.stringify(envelopeOf({ ...submission, ...context }, claimKey)), delayMs),
      );
    },
    publish(enrichment) {
      const row = { ...rows, partitionKey: enrichment.alertId };
      return span('send', { attributes: operation('send', 'send', queues.enrichments) }, ({ context }) =>
        send(queues.enrichments, fitMessage({ ...enrichment, ...context }, row, fitsMessage, write), 0),
      );
    },
    bury: (letter) =>
      span('send', { attributes: operation('send', 'send', queues.poison) }, () =>
        send(queues.poison, deadLetterText(letter, fitsMessage), 0),
      ),
  };
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

export function fitsMessage(content: string): boolean {
  return Buffer.byteLength(content, 'utf8') <= LONGEST_CONTENT_BYTES;
}

/** The text of a message with this content: base64, which queue triggers and the Logic Apps connector read as it is. */
export function toMessageText(content: string): string {
  return Buffer.from(content, 'utf8').toString('base64');
}
