import { z } from 'zod';
import { alertIdSchema } from './alertId.ts';
import { metadataSchema } from './metadata.ts';

/** An MDE device ID is hexadecimal; the gate is wider, but lets only a safe path segment through. */
export const machineIdSchema = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_-]{0,127}$/, {
  error: 'a machine ID has 1 to 128 letters, digits, "_" or "-" and starts with a letter or digit',
});

/**
 * A submission: one request to enrich one alert, and how far it has come.
 * It is what the pipeline works on and, in its envelope, what a deferral puts back into the queue.
 */
export const submissionSchema = z.strictObject({
  alertId: alertIdSchema,
  /** Stable over redeliveries of the same message; consumers deduplicate by it. */
  submissionId: z.string().min(1).max(128),
  /** The submitter's own reference, passed through. */
  correlationId: z.string().max(256).optional(),
  /** MDE device ID when the submitter already knows it. */
  machineId: machineIdSchema.optional(),
  tenantId: z.string().max(128).optional(),
  /** The submitter's own data, passed through untouched. */
  metadata: metadataSchema.optional(),
  /** Asks for a new look-up although a fresh enrichment is stored. */
  refresh: z.boolean().optional(),
  /** When the submission was first seen (ISO 8601, UTC); `MAX_AGE` counts from here. */
  firstSeen: z.iso.datetime(),
  /** Look-ups that were answered and left the alert undecided. Throttling does not count. */
  attempts: z.int().min(0),
  /** How many of those answers were 404. */
  notFoundAnswers: z.int().min(0),
  /** How often it was put back into the queue, for any reason. */
  deferrals: z.int().min(0),
  /** True while it holds a turn in the line for quota. */
  inLine: z.boolean().optional(),
});
export type Submission = z.infer<typeof submissionSchema>;

/**
 * How a submission travels through the input queue. The names on top are none of the queue trigger's metadata
 * names, because the Functions host lets a payload's top-level fields replace those.
 */
export const submissionEnvelopeSchema = z.strictObject({
  kind: z.literal('submission'),
  version: z.literal(1),
  submission: submissionSchema,
});
export type SubmissionEnvelope = z.infer<typeof submissionEnvelopeSchema>;

export function envelopeOf(submission: Submission): SubmissionEnvelope {
  return { kind: 'submission', version: 1, submission };
}
