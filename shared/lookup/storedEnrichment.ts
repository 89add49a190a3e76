import type * as z from 'zod';
import { enrichmentOf, type StoredAnswer } from '../enrichment/answer.ts';
import { enrichmentSchema } from '../enrichment/enrichment.ts';

/**
 * What a look-up says about an alert: the enrichment message without what belongs to one submission of it, because the
 * row keeps one answer for all of them. `submissionId` and `attempts` are those of the submission whose look-up brought
 * the answer; its times are `source.retrievedAt` and `enrichedAt`.
 */
export const storedEnrichmentSchema = enrichmentSchema
  .omit({ correlationId: true, metadata: true, reused: true, receivedAt: true })
  .extend({
    submissionId: enrichmentSchema.shape.submissionId.describe(
      'Names the submission whose look-up brought the answer.',
    ),
    attempts: enrichmentSchema.shape.attempts.describe('Look-ups that this submission took.'),
  });
export type StoredEnrichment = z.infer<typeof storedEnrichmentSchema>;

/** Always with the summary for people, whatever the messages of the queue carry. */
export function storedEnrichmentOf(alertId: string, answer: StoredAnswer): StoredEnrichment {
  const { submissionId, attempts, storedAt } = answer;
  const submission = {
    alertId,
    submissionId,
    attempts,
    firstSeen: storedAt.toISOString(),
    notFoundAnswers: 0,
    deferrals: 0,
  };
  const { reused: _, receivedAt: __, ...stored } = enrichmentOf(submission, answer, { summary: true });
  return stored;
}
