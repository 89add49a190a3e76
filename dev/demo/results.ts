import type { QueueClient } from '@azure/storage-queue';
import * as z from 'zod';
import {
  type Enrichment,
  type EnrichmentPointer,
  enrichmentPointerSchema,
  enrichmentSchema,
} from '#shared/enrichment/enrichment.ts';
import { deadLetterSchema } from '#shared/pipeline/outbox.ts';

export type EnrichmentMessage = Enrichment | EnrichmentPointer;

/** A dead letter as far as it is shown. */
export interface Buried {
  reason: string;
  detail: string;
  original: string;
  /** True when the message held an alert: an enrichment tells of it too. */
  isSubmission: boolean;
}

/** What has come out of the app. */
export interface Results {
  /** By submission ID: a message that arrives twice counts once. */
  enrichments: Map<string, EnrichmentMessage>;
  deadLetters: Buried[];
}

const enrichmentMessageSchema = z.union([enrichmentSchema, enrichmentPointerSchema]);

/** Takes what is in the output queue and in the queue of dead letters, as a consumer would, and adds it. */
export async function collectResults(
  queues: { enrichments: QueueClient; poison: QueueClient },
  results: Results,
): Promise<void> {
  for await (const text of takeMessages(queues.enrichments)) {
    const enrichment = enrichmentMessageSchema.parse(JSON.parse(decode(text)));
    results.enrichments.set(enrichment.submissionId, enrichment);
  }
  for await (const text of takeMessages(queues.poison)) {
    results.deadLetters.push(readDeadLetter(text));
  }
}

async function* takeMessages(queue: QueueClient): AsyncGenerator<string> {
  for (;;) {
    const { receivedMessageItems } = await queue.receiveMessages({ numberOfMessages: 32 });
    if (receivedMessageItems.length === 0) {
      return;
    }
    for (const { messageId, popReceipt, messageText } of receivedMessageItems) {
      yield messageText;
      await queue.deleteMessage(messageId, popReceipt);
    }
  }
}

/** The host moves a message that the function keeps failing on here as it is. */
function readDeadLetter(text: string): Buried {
  const letter = letterSchema.safeParse(decode(text)).data;
  if (letter === undefined) {
    const detail = 'the function failed with this message until the host gave it up';
    return { reason: 'given-up', detail, original: text, isSubmission: true };
  }
  const { reason, detail, original, submission } = letter;
  return { reason, detail, original, isSubmission: submission !== undefined };
}

const letterSchema = z
  .string()
  .transform((text, context): unknown => {
    try {
      return JSON.parse(text);
    } catch {
      context.addIssue('is no JSON');
      return z.NEVER;
    }
  })
  .pipe(deadLetterSchema);

function decode(messageText: string): string {
  return Buffer.from(messageText, 'base64').toString('utf8');
}
