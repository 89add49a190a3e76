import { alternativesOf } from '../schema/alternatives.ts';
import type { JsonSchema } from '../schema/jsonSchema.ts';
import { labelOf } from './label.ts';

/** The keywords that schemas of OpenAPI 2.0 share with JSON Schema. */
const KEPT = [
  'type',
  'description',
  'enum',
  'pattern',
  'minLength',
  'maxLength',
  'minimum',
  'maximum',
  'minItems',
  'maxItems',
  'required',
];

/**
 * A schema in the words of OpenAPI 2.0, which has no `null`, constants or alternatives. It may let more pass in answers;
 * in what callers send, where the alternatives have several types, the first one is taken and less is offered.
 * @param schemas The schemas that references lead to.
 */
export function swaggerSchema(schema: JsonSchema, schemas: Record<string, JsonSchema>): JsonSchema {
  if (typeof schema.$ref === 'string') {
    return { $ref: schema.$ref.replace('/components/schemas/', '/definitions/') };
  }
  const all = alternativesIn(schema, schemas);
  const values = all.filter((one) => one.type !== 'null' && one.const !== '');
  const isNullable = values.length < all.length;
  const [first = {}] = values;
  const merged = values.length === 1 ? first : { ...commonOf(values), type: first.type };
  return {
    ...plain({ ...merged, ...describing(schema) }, schemas),
    ...(isNullable && { 'x-nullable': true }),
  };
}

/** Alternatives within alternatives count as one list. References stay, unless they are one of several. */
function alternativesIn(schema: JsonSchema, schemas: Record<string, JsonSchema>): JsonSchema[] {
  const { anyOf, ...rest } = schema;
  // In an object, alternatives say which of its properties are needed, which 2.0 cannot.
  if (!Array.isArray(anyOf) || schema.type === 'object') {
    return Array.isArray(schema.type) ? alternativesOf(schema, {}) : [rest];
  }
  return anyOf.flatMap((one: JsonSchema) => alternativesIn(resolve(one, schemas), schemas));
}

function resolve(schema: JsonSchema, schemas: Record<string, JsonSchema>): JsonSchema {
  const name = typeof schema.$ref === 'string' ? schema.$ref.split('/').at(-1) : undefined;
  return name === undefined ? schema : (schemas[name] ?? {});
}

/** What all alternatives of a type agree on; the first one's, when their types differ. */
function commonOf(values: readonly JsonSchema[]): JsonSchema {
  const [first = {}, ...others] = values;
  if (others.some(({ type }) => type !== first.type)) {
    return first;
  }
  return Object.fromEntries(
    Object.entries(first).filter(([keyword, value]) =>
      others.every((other) => JSON.stringify(other[keyword]) === JSON.stringify(value)),
    ),
  );
}

function describing({ description }: JsonSchema): JsonSchema {
  return description === undefined ? {} : { description };
}

function plain(schema: JsonSchema, schemas: Record<string, JsonSchema>): JsonSchema {
  const { const: constant, format, properties, items, additionalProperties } = schema;
  return {
    ...Object.fromEntries(
      KEPT.filter((name) => schema[name] !== undefined).map((name) => [name, schema[name]]),
    ),
    ...withoutUnsafeLimits(schema),
    ...(constant !== undefined && { enum: [constant] }),
    ...(format === 'date-time' && { format }),
    ...(isSchema(properties) && { properties: swaggerProperties(properties, schemas) }),
    ...(isSchema(items) && { items: swaggerSchema(items, schemas) }),
    ...(isSchema(additionalProperties) && { additionalProperties: true }),
  };
}

function swaggerProperties(properties: JsonSchema, schemas: Record<string, JsonSchema>): JsonSchema {
  return Object.fromEntries(
    Object.entries(properties as Record<string, JsonSchema>)
      // Properties that must not be there are no fields.
      .filter(([, property]) => property.type !== 'null')
      .map(([name, property]) => {
        const converted = swaggerSchema(property, schemas);
        // Nothing may stand beside a reference.
        return [name, '$ref' in converted ? converted : { 'x-ms-summary': labelOf(name), ...converted }];
      }),
  );
}

/** The bounds of whole numbers that JavaScript keeps say nothing to anybody. */
function withoutUnsafeLimits({ type, minimum, maximum }: JsonSchema): JsonSchema {
  return {
    ...(type === 'integer' && { format: 'int64' }),
    ...(minimum === Number.MIN_SAFE_INTEGER && { minimum: undefined }),
    ...(maximum === Number.MAX_SAFE_INTEGER && { maximum: undefined }),
  };
}

function isSchema(value: unknown): value is JsonSchema {
  return typeof value === 'object' && value !== null;
}
