import * as z from 'zod';
import { textOf } from './jsonText.ts';

/**
 * The gate for alert IDs: a safe path segment and a safe table key, open to prefixes not known yet.
 * Rejects slashes, dots, percent signs, quotes, spaces, line ends, the empty text and more than 128 characters.
 */
const ALERT_ID = /^[A-Za-z0-9][A-Za-z0-9_-]{0,127}$/;

/** The rule for alert IDs, to a person. */
export const ALERT_ID_RULE =
  'an alert ID has 1 to 128 letters, digits, "_" or "-" and starts with a letter or digit (for example da637472900382838869_1364969609)';

/** An alert ID, checked; its error is the rule, for a person. */
export const alertIdSchema = z.string().regex(ALERT_ID, { error: ALERT_ID_RULE });

/** Whether a text has the form of an alert ID. */
export function isAlertId(text: string): boolean {
  return ALERT_ID.test(text);
}

const MAX_BYTES = 16 * 1024;
/** Consumers' JSON readers give up early (.NET at 64 levels), and our own fields are around the metadata. */
const MAX_LEVELS = 32;

/** The submitter's own data: a JSON object of at most 16 KiB (UTF-8) and 32 levels. */
export const metadataSchema = z
  .record(z.string(), z.unknown(), { error: 'expected a JSON object' })
  .refine((metadata) => !isDeeperThan(MAX_LEVELS, metadata), {
    error: `expected at most ${MAX_LEVELS} levels of nesting`,
    abort: true,
  })
  .refine((metadata) => Buffer.byteLength(textOf(metadata)) <= MAX_BYTES, {
    error: `expected at most ${MAX_BYTES} bytes of JSON text`,
  });

function isDeeperThan(levels: number, value: unknown): boolean {
  if (typeof value !== 'object' || value === null) {
    return false;
  }
  return levels === 0 || Object.values(value).some((part) => isDeeperThan(levels - 1, part));
}

/** An MDE device ID is hexadecimal; the gate is wider, but lets only a safe path segment through. */
export const machineIdSchema = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_-]{0,127}$/, {
  error: 'a machine ID has 1 to 128 letters, digits, "_" or "-" and starts with a letter or digit',
});

/**
 * The place in a trace that an alert comes from, as W3C Trace Context writes it
 * (https://www.w3.org/TR/trace-context/#traceparent-header).
 */
export const traceparentSchema = z
  .string()
  .regex(/^(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/, {
    error: 'expected a traceparent of W3C Trace Context',
  });
/** What the tools of a trace say about it, beside the traceparent; at most 512 characters. */
export const tracestateSchema = z.string().min(1).max(512);

/**
 * A submission: one request to enrich one alert, and how far it has come.
 * It is what the pipeline works on and, in its envelope, what a deferral puts back into the queue.
 */
export const submissionSchema = z.strictObject({
  alertId: alertIdSchema.describe('ID of the alert.'),
  submissionId: z
    .string()
    .min(1)
    .max(128)
    .describe('Stable over redeliveries of the same message; consumers tell repeated messages apart by it.'),
  correlationId: z.string().max(256).optional().describe("The submitter's own reference, passed through."),
  machineId: machineIdSchema.optional().describe('MDE device ID when the submitter already knows it.'),
  tenantId: z.string().max(128).optional().describe('Tenant of the alert.'),
  metadata: metadataSchema.optional().describe("The submitter's own data, passed through untouched."),
  traceparent: traceparentSchema.optional().describe('Trace that it belongs to (W3C Trace Context).'),
  tracestate: tracestateSchema
    .optional()
    .describe("What the trace's tools say about it (W3C Trace Context)."),
  refresh: z.boolean().optional().describe('Asks for a new look-up although a fresh enrichment is stored.'),
  firstSeen: z.iso
    .datetime()
    .describe('When the submission was first seen (ISO 8601, UTC); its age counts from here.'),
  attempts: z
    .int()
    .min(0)
    .describe(
      'Look-ups so far without a final answer. Waiting for quota or a role, and runs that ended early, do not count.',
    ),
  notFoundAnswers: z.int().min(0).describe('How many of them said that the alert is not known.'),
  failing: z
    .strictObject({
      since: z.iso
        .datetime()
        .describe('When the first of them came, moved on by every wait that was not their fault.'),
      answer: z.enum(['unavailable', 'unusable', 'forbidden']).describe('What the last one was.'),
      count: z.int().min(1).describe('How many of that kind came in a row.'),
    })
    .optional()
    .describe('Failed look-ups in a row; absent when the last one did not fail.'),
  deferrals: z.int().min(0).describe('How often it was put back into the queue, for any reason.'),
  inLine: z.boolean().optional().describe('True while it holds a turn in the line for quota.'),
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
  claimKey: z.string().max(128).optional(),
});
export type SubmissionEnvelope = z.infer<typeof submissionEnvelopeSchema>;

/**
 * Puts a submission into the envelope in which it travels through the input queue.
 * @param claimKey The key of the claim that passes on to the message.
 */
export function envelopeOf(submission: Submission, claimKey?: string): SubmissionEnvelope {
  return { kind: 'submission', version: 1, submission, ...(claimKey !== undefined && { claimKey }) };
}
