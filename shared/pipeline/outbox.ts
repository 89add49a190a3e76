import type { Enrichment } from '../enrichment/enrichment.ts';
import type { Submission } from '../intake/submission.ts';
import type { DeadLetter } from './deadLetter.ts';

/** Where the pipeline puts what it is done with. All methods throw when the storage service cannot be used. */
export interface Outbox {
  /**
   * Puts a submission into the input queue, to be seen after the delay (milliseconds).
   * @param claimKey The key of the claim that passes on to this message.
   */
  submit(submission: Submission, delayMs: number, claimKey?: string): Promise<void>;
  /** Hands an enrichment to whoever triages. */
  publish(enrichment: Enrichment): Promise<void>;
  bury(letter: DeadLetter): Promise<void>;
}
