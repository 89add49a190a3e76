import * as z from 'zod';
import { deviceSchema } from '../device/device.ts';
import { machineSchema } from '../device/machine.ts';
import { alertIdSchema, traceparentSchema, tracestateSchema } from '../intake/submission.ts';
import { summarySchema } from '../summary/summary.ts';

/** The version of the enrichment message. It is raised when a consumer could break. */
export const ENRICHMENT_VERSION = '1.0';

/** The three ends of a submission. */
export const outcomeSchema = z
  .enum(['enriched', 'not_found', 'failed'])
  .describe('How the submission ended: nothing else is final.');
export type Outcome = z.infer<typeof outcomeSchema>;

/** Why there is no device. */
export const enrichmentErrorSchema = z.strictObject({
  code: z.string().describe('What went wrong, in a stable word.'),
  message: z.string().describe('What went wrong, for a person.'),
});
export type EnrichmentError = z.infer<typeof enrichmentErrorSchema>;

/** The device in a message carries the record it was made from, unless that made the message too long. */
export const publishedDeviceSchema = deviceSchema.extend({
  raw: machineSchema.optional().describe('The record as received from the source.'),
});

/** The content of such an object is the contract of its standard, not ours. */
const projection = z.record(z.string(), z.unknown()).optional();
/** The device in each standard that `ENRICHMENT_FORMATS` names. */
export const formatsSchema = z.strictObject({
  ocsf: projection.describe('OCSF 1.8.0: an event of the class Device Inventory Info (5001).'),
  ecs: projection.describe('ECS 9.4.0: a document about the host.'),
  asim: projection.describe('ASIM: the Dvc fields that all its schemas share.'),
  sentinel: projection.describe('Microsoft Sentinel: a Host entity.'),
});
export type Formats = z.infer<typeof formatsSchema>;

/** The enrichment: what consumers get for one submission, on the queue. */
export const enrichmentSchema = z.strictObject({
  schemaVersion: z.literal(ENRICHMENT_VERSION).describe('Version of this schema.'),
  outcome: outcomeSchema,
  alertId: alertIdSchema.describe('ID of the alert.'),
  submissionId: z.string().describe('Names the submission; a message that arrives twice has the same one.'),
  correlationId: z.string().optional().describe("The submitter's own reference."),
  metadata: z.record(z.string(), z.unknown()).optional().describe("The submitter's own data."),
  tenantId: z.string().optional().describe('Tenant of the alert, where the submitter named one.'),
  traceparent: traceparentSchema
    .optional()
    .describe('Trace that the message belongs to (W3C Trace Context), where there is one.'),
  tracestate: tracestateSchema
    .optional()
    .describe("What the trace's tools say about it (W3C Trace Context)."),
  machineId: z.string().optional().describe('MDE device ID as the submitter handed it in.'),
  machineIdDiffers: z
    .literal(true)
    .optional()
    .describe('Present when the device is another one than the submitter named.'),
  device: publishedDeviceSchema.optional().describe('Present when the outcome is enriched.'),
  formats: formatsSchema.optional().describe('The device in the standards that were asked for.'),
  summary: summarySchema.optional(),
  source: z
    .strictObject({
      name: z.string().describe('Where the record comes from.'),
      retrievedAt: z.iso.datetime().nullable().describe('When the source answered; null when it never did.'),
      bulk: z
        .literal(true)
        .optional()
        .describe('Present when lists of alerts and devices told it, and not a call about this alert.'),
      unavailable: z
        .array(z.string())
        .optional()
        .describe(
          'Properties of the raw record that this source cannot know: what is null because of that says nothing about the device.',
        ),
    })
    .describe('Where the answer comes from.'),
  reused: z.boolean().describe('True when a stored answer served and no call was spent.'),
  attempts: z.int().min(0).describe('Look-ups that this submission took.'),
  receivedAt: z.iso.datetime().describe('When the submission was first seen.'),
  enrichedAt: z.iso.datetime().describe('When the outcome was stored.'),
  error: enrichmentErrorSchema.optional().describe('Present when the outcome is not_found or failed.'),
});
export type Enrichment = z.infer<typeof enrichmentSchema>;

/** What travels instead of an enrichment that no queue message can hold: where to read it. */
export const enrichmentPointerSchema = enrichmentSchema
  .omit({ device: true, formats: true, metadata: true, summary: true })
  .extend({
    table: z.string().describe('Table that holds the whole of it.'),
    partitionKey: z.string().describe('Partition key of its row.'),
    rowKey: z.string().describe('Row key of its row.'),
  });
export type EnrichmentPointer = z.infer<typeof enrichmentPointerSchema>;
