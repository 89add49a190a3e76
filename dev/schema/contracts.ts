import * as z from 'zod';
import { deviceSchema } from '#shared/device/device.ts';
import {
  ENRICHMENT_VERSION,
  enrichmentPointerSchema,
  enrichmentSchema,
} from '#shared/enrichment/enrichment.ts';
import { cloudEventSchema } from '#shared/enrichment/outputMessage.ts';
import { deadLetterSchema } from '#shared/pipeline/outbox.ts';
import { inputSchema } from './inputForms.ts';
import type { Audience, JsonSchema } from './jsonSchema.ts';

/** Dead letters and input carry no version of their own; these are raised when a change breaks somebody. */
const DEAD_LETTER_VERSION = '1.0';
const INPUT_VERSION = '1.1';

/** What other programs rely on. */
export interface Contract {
  /** Name of its files. */
  name: string;
  version: string;
  /** Whether others read it or write it. */
  audience: Audience;
  schema: JsonSchema;
}

/** All published contracts, made from the schemas that the program itself uses. */
export const contracts: readonly Contract[] = [
  output('device', deviceSchema.shape.schemaVersion.value, deviceSchema),
  output('enrichment', ENRICHMENT_VERSION, enrichmentSchema),
  output('enrichment-pointer', ENRICHMENT_VERSION, enrichmentPointerSchema),
  output('enrichment-event', ENRICHMENT_VERSION, cloudEventSchema),
  output('dead-letter', DEAD_LETTER_VERSION, deadLetterSchema),
  contract('input', INPUT_VERSION, 'producers', z.toJSONSchema(inputSchema, { io: 'input' })),
];

/**
 * The program's own schemas refuse properties that they do not know. Published, they let them pass, so that a consumer
 * who checks messages is not broken by a property that a later release adds.
 */
function output(name: string, version: string, schema: z.ZodType): Contract {
  const open = z.toJSONSchema(schema, {
    override: ({ jsonSchema }) => {
      if (jsonSchema.additionalProperties === false) {
        delete jsonSchema.additionalProperties;
      }
    },
  });
  return contract(name, version, 'consumers', open);
}

function contract(
  name: string,
  version: string,
  audience: Audience,
  { $schema, ...schema }: JsonSchema,
): Contract {
  const $id = `urn:defender-alert-enrichment:${name}:${version}`;
  return { name, version, audience, schema: { $schema, $id, ...schema } };
}
