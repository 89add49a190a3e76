import { z } from 'zod';
import { deviceSchema } from '../device/device.ts';
import { machineSchema } from '../device/machine.ts';
import { alertIdSchema } from '../intake/alertId.ts';

/** The version of the enrichment message. It is raised when a consumer could break. */
export const ENRICHMENT_VERSION = '1.0';

export const outcomeSchema = z
  .enum(['enriched', 'not_found', 'failed'])
  .describe('How the submission ended: nothing else is final.');
export type Outcome = z.infer<typeof outcomeSchema>;

export const enrichmentErrorSchema = z.strictObject({
  code: z.string().describe('What went wrong, in a stable word.'),
  message: z.string().describe('What went wrong, for a person.'),
});
export type EnrichmentError = z.infer<typeof enrichmentErrorSchema>;

/** The device in a message carries the record it was made from, unless that made the message too long. */
export const publishedDeviceSchema = deviceSchema.extend({
  raw: machineSchema.optional().describe('The record as received from the source.'),
});

/** The enrichment: what consumers get for one submission, on the queue. */
export const enrichmentSchema = z.strictObject({
  schemaVersion: z.literal(ENRICHMENT_VERSION),
  outcome: outcomeSchema,
  alertId: alertIdSchema,
  submissionId: z.string().describe('Names the submission; a message that arrives twice has the same one.'),
  correlationId: z.string().optional().describe("The submitter's own reference."),
  metadata: z.record(z.string(), z.unknown()).optional().describe("The submitter's own data."),
  device: publishedDeviceSchema.optional().describe('Present when the outcome is enriched.'),
  source: z.strictObject({
    name: z.string().describe('Where the record comes from.'),
    retrievedAt: z.iso.datetime().nullable().describe('When the source answered; null when it never did.'),
  }),
  reused: z.boolean().describe('True when a stored answer served and no call was spent.'),
  attempts: z.int().min(0).describe('Look-ups that this submission took.'),
  receivedAt: z.iso.datetime().describe('When the submission was first seen.'),
  enrichedAt: z.iso.datetime().describe('When the outcome was stored.'),
  error: enrichmentErrorSchema.optional().describe('Present when the outcome is not_found or failed.'),
});
export type Enrichment = z.infer<typeof enrichmentSchema>;

/** What travels instead of an enrichment that no queue message can hold: where to read it. */
export const enrichmentPointerSchema = enrichmentSchema
  .omit({ device: true, metadata: true })
  .extend({ table: z.string(), partitionKey: z.string(), rowKey: z.string() });
export type EnrichmentPointer = z.infer<typeof enrichmentPointerSchema>;
