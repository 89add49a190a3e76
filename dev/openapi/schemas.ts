import * as z from 'zod';
import { enrichmentSchema, publishedDeviceSchema } from '#shared/enrichment/enrichment.ts';
import {
  alertEnrichmentSchema,
  healthAnswerSchema,
  orderAnswerSchema,
  orderedAlertSchema,
  pendingAlertSchema,
  problemSchema,
  quotaAnswerSchema,
  rejectedAlertSchema,
} from '#shared/http/contract.ts';
import { MAX_ORDER } from '#shared/intake/order.ts';
import { MAX_ALERTS } from '#shared/intake/readPayload.ts';
import { summarySchema } from '#shared/summary/summary.ts';
import { inputSchema } from '../schema/inputForms.ts';
import type { JsonSchema } from '../schema/jsonSchema.ts';
import { referenceTo } from './openApi.ts';

const ANSWERS: Record<string, z.ZodType> = {
  OrderAnswer: orderAnswerSchema,
  OrderedAlert: orderedAlertSchema,
  RejectedAlert: rejectedAlertSchema,
  Enrichment: enrichmentSchema,
  AlertEnrichment: alertEnrichmentSchema,
  Device: publishedDeviceSchema,
  Summary: summarySchema,
  PendingAlert: pendingAlertSchema,
  Quota: quotaAnswerSchema,
  Health: healthAnswerSchema,
  Problem: problemSchema,
};

/** The schemas of all bodies by name, made from those that the program itself uses. */
export function componentSchemas(): Record<string, JsonSchema> {
  return { ...orderSchemas(), ...answerSchemas() };
}

/** Like the published contracts, they let properties pass that a later release may add. */
function answerSchemas(): Record<string, JsonSchema> {
  const registry = z.registry<{ id: string }>();
  for (const [id, schema] of Object.entries(ANSWERS)) {
    registry.add(schema, { id });
  }
  const { schemas } = z.toJSONSchema(registry, {
    uri: (id) => referenceTo(id).$ref,
    override: ({ jsonSchema }) => {
      if (jsonSchema.additionalProperties === false) {
        delete jsonSchema.additionalProperties;
      }
    },
  });
  return Object.fromEntries(
    Object.entries(schemas).map(([name, { $schema: _, $id: __, ...schema }]) => [name, schema]),
  );
}

/** An order is what a message of the queue may be, but shorter. */
function orderSchemas(): Record<string, JsonSchema> {
  const {
    $schema: _,
    $defs,
    ...order
  } = z.toJSONSchema(inputSchema, {
    io: 'input',
    override: ({ jsonSchema }) => {
      if (jsonSchema.maxItems === MAX_ALERTS) {
        jsonSchema.maxItems = MAX_ORDER;
      }
    },
  });
  const description =
    `An order of at most ${MAX_ORDER} alerts, in any of the forms that a message of the alerts queue may have. ` +
    'Not said here: metadata has at most 16 KiB and 32 levels; an event in an array carries one alert; ' +
    'a Graph alert is known by an `@odata.type` or `evidence` only if that is of Graph.';
  return withReferences({ Order: { ...order, description }, ...$defs });
}

function withReferences<T>(value: T): T {
  return JSON.parse(JSON.stringify(value).replaceAll('"#/$defs/', '"#/components/schemas/'));
}
