import * as z from 'zod';
import {
  ENRICHMENT_VERSION,
  type Enrichment,
  type EnrichmentPointer,
  enrichmentPointerSchema,
  enrichmentSchema,
  type Outcome,
} from './enrichment.ts';
import type { MessageWriter } from './fitMessage.ts';

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
  if (output.envelope === 'plain') return (message) => JSON.stringify(message);
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
    dataschema: 'table' in message ? POINTER_SCHEMA : ENRICHMENT_SCHEMA,
    data: message,
  };
}
