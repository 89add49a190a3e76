import fc from 'fast-check';
import type { JsonSchema } from '#dev/schema/jsonSchema.ts';

/** The schemas that references lead to, and what to generate in place of some of them. */
export interface SchemaWorld {
  schemas: Record<string, JsonSchema>;
  instead: Record<string, fc.Arbitrary<unknown>>;
}

/** Lists in requests are kept short: their limits have tests of their own. */
const MOST_ITEMS = 5;

const anything = fc.jsonValue({ maxDepth: 2 });

/** Values that the schema allows. */
export function schemaArbitrary(schema: JsonSchema, world: SchemaWorld): fc.Arbitrary<unknown> {
  const { $ref, anyOf, const: constant } = schema;
  if (typeof $ref === 'string') {
    const name = $ref.split('/').at(-1) ?? '';
    return world.instead[name] ?? schemaArbitrary(world.schemas[name] ?? {}, world);
  }
  if (constant !== undefined) {
    return fc.constant(constant);
  }
  if (Array.isArray(schema.enum)) {
    return fc.constantFrom(...schema.enum);
  }
  switch (schema.type) {
    case 'object':
      return objectArbitrary(schema, world);
    case 'array': {
      const { items = {}, minItems = 0, maxItems = MOST_ITEMS } = schema as { items?: JsonSchema } & Limits;
      return fc.array(schemaArbitrary(items, world), {
        minLength: minItems,
        maxLength: Math.min(maxItems, MOST_ITEMS),
      });
    }
    case 'string':
      return stringArbitrary(schema);
    case 'integer': {
      const { minimum = Number.MIN_SAFE_INTEGER, maximum = Number.MAX_SAFE_INTEGER } = schema as Limits;
      return fc.oneof(
        fc.maxSafeInteger().map((value) => minimum + (Math.abs(value) % (maximum - minimum + 1))),
        fc.constantFrom(minimum, maximum),
      );
    }
    case 'boolean':
      return fc.boolean();
    case 'null':
      return fc.constant(null);
  }
  if (Array.isArray(anyOf)) {
    return fc.oneof(...anyOf.map((one) => schemaArbitrary(one, world)));
  }
  if (schema.type !== undefined) {
    throw new Error(`No values are known of the type ${String(schema.type)}.`);
  }
  return anything;
}

interface Limits {
  minItems?: number;
  maxItems?: number;
  minLength?: number;
  maxLength?: number;
  minimum?: number;
  maximum?: number;
}

function stringArbitrary(schema: JsonSchema): fc.Arbitrary<string> {
  const { minLength = 0, maxLength = 300 } = schema as Limits;
  if (typeof schema.pattern === 'string') {
    // The generator knows no negative lookahead: it makes texts without them, and those that break one are left out.
    const wanted = new RegExp(schema.pattern);
    const made = new RegExp(schema.pattern.replaceAll(/\(\?![^)]*\)/g, ''));
    return fc.stringMatching(made).filter((text) => wanted.test(text));
  }
  return fc.string({ unit: 'binary', minLength, maxLength });
}

function objectArbitrary(schema: JsonSchema, world: SchemaWorld): fc.Arbitrary<unknown> {
  const {
    properties = {},
    required = [],
    anyOf = [{}],
  } = schema as {
    properties?: Record<string, JsonSchema>;
    required?: string[];
    anyOf?: { required?: string[] }[];
  };
  const named = Object.fromEntries(
    Object.entries(properties).map(([name, property]) => [name, schemaArbitrary(property, world)]),
  );
  const more =
    schema.additionalProperties === undefined
      ? fc.constant({})
      : fc.dictionary(fc.string({ unit: 'binary', maxLength: 20 }), anything, { maxKeys: 3 });
  return fc.oneof(
    ...anyOf.map((alternative) => {
      const needed = [...required, ...(alternative.required ?? [])];
      const values = Object.fromEntries(needed.map((name) => [name, named[name] ?? anything]));
      return fc
        .tuple(more, fc.record({ ...named, ...values }, { requiredKeys: needed }))
        .map(([extra, record]) => ({ ...extra, ...record }));
    }),
  );
}
