import type { QueueClient } from '@azure/storage-queue';
import { type Enrichment, enrichmentSchema } from '#shared/enrichment/enrichment.ts';
import { type DeadLetter, deadLetterSchema } from '#shared/pipeline/outbox.ts';
import { parseJson } from '#shared/text.ts';
import type { Sample } from './samples.ts';

/** What has come out of the app. */
export interface Results {
  /** By submission ID: a message that arrives twice counts once. */
  enrichments: Map<string, Enrichment>;
  /** With a `submission` when the message held an alert: then an enrichment tells of it too. */
  deadLetters: Pick<DeadLetter, 'reason' | 'detail' | 'original' | 'submission'>[];
}

/**
 * Takes messages from the queues of enrichments and of dead letters, as a consumer would, and adds them.
 * @returns How many it took; when none, nothing is there now.
 */
export async function collectResults(
  queues: { enrichments: QueueClient; poison: QueueClient },
  results: Results,
): Promise<number> {
  const enrichments = await takeMessages(queues.enrichments);
  for (const text of enrichments) {
    const enrichment = enrichmentSchema.parse(parseJson(text));
    results.enrichments.set(enrichment.submissionId, enrichment);
  }
  const deadLetters = await takeMessages(queues.poison);
  for (const text of deadLetters) {
    const letter = deadLetterSchema.safeParse(parseJson(text)).data;
    results.deadLetters.push(letter ?? { reason: 'given-up', detail: GIVEN_UP, original: text });
  }
  return enrichments.length + deadLetters.length;
}

const GIVEN_UP = 'the function failed with this message until the host gave it up';

async function takeMessages(queue: QueueClient): Promise<string[]> {
  const { receivedMessageItems: messages } = await queue.receiveMessages({ numberOfMessages: 32 });
  await Promise.all(messages.map(({ messageId, popReceipt }) => queue.deleteMessage(messageId, popReceipt)));
  return messages.map(({ messageText }) => Buffer.from(messageText, 'base64').toString());
}

/**
 * Submissions and malformed parts of the samples that have not ended yet; all of them, where no results are given. What
 * somebody else submits meanwhile does not count, unless it is an alert of the samples.
 */
export function openParts(
  samples: readonly Sample[],
  { enrichments, deadLetters }: Results = { enrichments: new Map(), deadLetters: [] },
): number {
  const submitted = Map.groupBy(
    samples.flatMap(({ alertIds }) => alertIds),
    (alertId) => alertId,
  );
  const ended = Map.groupBy(enrichments.values(), ({ alertId }) => alertId);
  const open = [...submitted].map(([id, { length }]) => length - (ended.get(id)?.length ?? 0));
  const rejected = deadLetters.filter(({ submission }) => submission === undefined).length;
  const malformed = sum(samples.map(({ rejections }) => rejections)) - rejected;
  return sum([...open, malformed].map((count) => Math.max(0, count)));
}

function sum(counts: readonly number[]): number {
  return counts.reduce((total, count) => total + count, 0);
}
