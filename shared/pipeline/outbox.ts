import * as z from 'zod';
import type { Enrichment } from '../enrichment/enrichment.ts';
import { type Submission, submissionSchema } from '../intake/submission.ts';

/** A dead letter: what ended `failed` or was no alert, kept with its reason so that a person can act and replay it. */
export const deadLetterSchema = z.strictObject({
  reason: z.string().describe('Why it is dead, in a stable word.'),
  detail: z.string().describe('What happened and what is expected, for a person.'),
  submission: submissionSchema.optional().describe('The submission, when the message held an alert.'),
  original: z.string().describe('The text as received, or the alert ID of a submission.'),
  originalTruncated: z.boolean().optional().describe('True when the original was too long to keep whole.'),
  attempts: z.int().min(0).describe('Look-ups made.'),
  firstSeen: z.iso.datetime().describe('When the message or the submission was first seen.'),
  deadAt: z.iso.datetime().describe('When it was given up.'),
});
export type DeadLetter = z.infer<typeof deadLetterSchema>;

/** As much of a reason as a person reads; what quotes a damaged message can be as long as that. */
const LONGEST_DETAIL = 4_000;

/** The letter as text, its detail and its original shortened as far as needed to fit into a message. */
export function deadLetterText(letter: DeadLetter, fits: (text: string) => boolean): string {
  const { detail } = letter;
  const readable = detail.length <= LONGEST_DETAIL ? detail : `${detail.slice(0, LONGEST_DETAIL)}...`;
  let text = JSON.stringify({ ...letter, detail: readable });
  for (let length = letter.original.length; !fits(text) && length > 0; ) {
    length = Math.floor(length / 2);
    const original = letter.original.slice(0, length);
    text = JSON.stringify({ ...letter, detail: readable, original, originalTruncated: true });
  }
  return text;
}

/**
 * A message of the input queue that is hidden from its readers. If this process dies it becomes visible, and the next
 * reader takes it. Both methods do nothing when another reader has the message already.
 */
export interface HeldMessage {
  /** The ID by which readers of the queue will see it. */
  messageId: string;
  /** Lets readers see it after the delay, with the submission as it is by then: one step, so there is never a copy. */
  putBack(submission: Submission, delayMs: number, claimKey?: string): Promise<void>;
  remove(): Promise<void>;
}

/** Where the pipeline puts what it is done with. All methods throw when the storage service cannot be used. */
export interface Outbox {
  /**
   * Puts a submission into the input queue, to be seen after the delay (milliseconds).
   * @param claimKey The key of the claim that passes on to this message.
   */
  submit(submission: Submission, delayMs: number, claimKey?: string): Promise<void>;
  /** Puts a submission into the input queue, hidden from its readers for `forMs`, as its first reader. */
  hold(submission: Submission, forMs: number): Promise<HeldMessage>;
  /** Publishes an enrichment to the output queue. */
  publish(enrichment: Enrichment): Promise<void>;
  bury(letter: DeadLetter): Promise<void>;
}
