import * as z from 'zod';
import {
  ENRICHMENT_VERSION,
  type Enrichment,
  type EnrichmentPointer,
  enrichmentPointerSchema,
  enrichmentSchema,
  type Outcome,
} from './enrichment.ts';

/** Where the whole enrichment can be read. */
export interface RowAddress {
  table: string;
  partitionKey: string;
  rowKey: string;
}

/** How a message is written: as it is, or in an envelope. */
export type MessageWriter = (message: Enrichment | EnrichmentPointer) => string;

/** What a message that is too long goes without, one after the other. */
const LEANER: readonly ((enrichment: Enrichment) => Enrichment)[] = [
  (enrichment) => enrichment,
  withoutRaw,
  withoutFormats,
  withoutSummary,
];

/**
 * The fullest form of the enrichment that fits: whole, else without the raw record, else without the formats
 * too, else without the summary too, else as a pointer to its row.
 * @param fits Whether a text is short enough for the queue.
 * @param write What makes the text of a message; what it puts around the message counts.
 * @example fitMessage(enrichment, { ...rows, partitionKey: enrichment.alertId }, fitsMessage)
 */
export function fitMessage(
  enrichment: Enrichment,
  row: RowAddress,
  fits: (text: string) => boolean,
  write: MessageWriter = JSON.stringify,
): string {
  let form = enrichment;
  for (const lean of LEANER) {
    form = lean(form);
    const text = write(form);
    if (fits(text)) {
      return text;
    }
  }
  const { device: _, metadata: __, ...rest } = form;
  const pointer: EnrichmentPointer = { ...rest, ...row };
  return write(pointer);
}

function withoutRaw(enrichment: Enrichment): Enrichment {
  if (enrichment.device === undefined) {
    return enrichment;
  }
  const { raw: _, ...device } = enrichment.device;
  return { ...enrichment, device };
}

function withoutFormats({ formats: _, ...rest }: Enrichment): Enrichment {
  return rest;
}

function withoutSummary({ summary: _, ...rest }: Enrichment): Enrichment {
  return rest;
}

const TYPES = {
  enriched: 'defender-alert-enrichment.enriched',
  not_found: 'defender-alert-enrichment.not_found',
  failed: 'defender-alert-enrichment.failed',
} as const satisfies Record<Outcome, string>;
const SOURCE = '/defender-alert-enrichment';
const ENRICHMENT_SCHEMA = `urn:defender-alert-enrichment:enrichment:${ENRICHMENT_VERSION}`;
const POINTER_SCHEMA = `urn:defender-alert-enrichment:enrichment-pointer:${ENRICHMENT_VERSION}`;

/**
 * The enrichment as a CloudEvent in the JSON format
 * (https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md).
 */
export const cloudEventSchema = z.strictObject({
  specversion: z.literal('1.0').describe('Version of CloudEvents.'),
  id: z.string().describe("The enrichment's submission ID: an event that arrives twice has the same one."),
  source: z.string().meta({ format: 'uri-reference', description: 'The app that enriched the alert.' }),
  type: z.enum(TYPES).describe('What happened: the outcome of the enrichment.'),
  subject: z.string().describe('ID of the alert.'),
  time: z.iso.datetime().describe('When the outcome was stored.'),
  datacontenttype: z.literal('application/json').describe('What data is written in.'),
  traceparent: enrichmentSchema.shape.traceparent,
  tracestate: enrichmentSchema.shape.tracestate,
  dataschema: z
    .enum([ENRICHMENT_SCHEMA, POINTER_SCHEMA])
    .describe('The schema of data, and by it whether data is an enrichment or a pointer to one.'),
  data: z
    .union([enrichmentSchema, enrichmentPointerSchema])
    .describe('The message, as it is without the envelope.'),
});
export type CloudEvent = z.infer<typeof cloudEventSchema>;

/** How messages are written under these settings. */
export function messageWriter(output: {
  envelope: 'plain' | 'cloudevents';
  appName: string | undefined;
}): MessageWriter {
  if (output.envelope === 'plain') {
    return (message) => JSON.stringify(message);
  }
  return (message) => JSON.stringify(cloudEventOf(message, output.appName));
}

/** @param appName Name of the app in Azure; undefined where it has none. */
function cloudEventOf(message: Enrichment | EnrichmentPointer, appName: string | undefined): CloudEvent {
  return {
    specversion: '1.0',
    id: message.submissionId,
    source: appName === undefined ? SOURCE : `${SOURCE}/${encodeURIComponent(appName)}`,
    type: TYPES[message.outcome],
    subject: message.alertId,
    time: message.enrichedAt,
    datacontenttype: 'application/json',
    ...(message.traceparent !== undefined && { traceparent: message.traceparent }),
    ...(message.tracestate !== undefined && { tracestate: message.tracestate }),
    dataschema: 'table' in message ? POINTER_SCHEMA : ENRICHMENT_SCHEMA,
    data: message,
  };
}
