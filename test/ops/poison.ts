import type { DequeuedMessageItem, QueueClient } from '@azure/storage-queue';
import { readMessage } from '#shared/intake/readMessage.ts';
import type { DeadLetter } from '#shared/pipeline/outbox.ts';
import { toMessageText } from '#shared/storage/queueOutbox.ts';
import { submissionOf } from '../shared/pipeline/submissions.ts';

/** When the letters of these tests died. */
export const deadAt = '2026-11-23T12:30:00.000Z';

/** The dead letter of a submission that failed. */
export function failedLetter(alertId: string, changes: Partial<DeadLetter> = {}): DeadLetter {
  const submission = submissionOf({
    alertId,
    submissionId: `first-${alertId}`,
    correlationId: `ticket-${alertId}`,
    metadata: { note: 'ä💻' },
    attempts: 7,
    notFoundAnswers: 2,
    deferrals: 9,
    inLine: true,
  });
  return {
    reason: 'source_unavailable',
    detail: 'Defender answered 503',
    submission,
    original: alertId,
    attempts: 7,
    firstSeen: submission.firstSeen,
    deadAt,
    ...changes,
  };
}

/** The dead letter of a text that was no alert. */
export function rejectionLetter(original: string, changes: Partial<DeadLetter> = {}): DeadLetter {
  const { submission: _, ...letter } = failedLetter('unused');
  return { ...letter, reason: 'bad-json', detail: 'it is no JSON', original, attempts: 0, ...changes };
}

/** Puts the letter into the queue as the pipeline does; its message's ID. */
export async function bury(queue: QueueClient, letter: DeadLetter | object): Promise<string> {
  return (await queue.sendMessage(toMessageText(JSON.stringify(letter)), { messageTimeToLive: -1 }))
    .messageId;
}

/** Takes everything that is visible out of the queue. */
export async function takeAll(queue: QueueClient): Promise<DequeuedMessageItem[]> {
  const taken: DequeuedMessageItem[] = [];
  for (;;) {
    const { receivedMessageItems } = await queue.receiveMessages({
      numberOfMessages: 32,
      visibilityTimeout: 600,
    });
    if (receivedMessageItems.length === 0) {
      return taken;
    }
    taken.push(...receivedMessageItems);
    await Promise.all(
      receivedMessageItems.map(({ messageId, popReceipt }) => queue.deleteMessage(messageId, popReceipt)),
    );
  }
}

/** What the pipeline makes of a message of the alerts queue. */
export function submissionIn(message: DequeuedMessageItem) {
  const { submissions } = readMessage(message.messageText, { id: message.messageId }, new Date());
  if (submissions[0] === undefined) {
    throw new Error(`no submission: ${message.messageText}`);
  }
  return submissions[0];
}
