import type { JsonSchema } from './jsonSchema.ts';

/**
 * The schemas, free of references, `anyOf` and lists of types at their top, that a schema is the union of.
 * @param root The document that references point into.
 */
export function alternativesOf(schema: JsonSchema, root: JsonSchema): JsonSchema[] {
  if (typeof schema.$ref === 'string') {
    return alternativesOf(definition(schema.$ref, root), root);
  }
  if (Array.isArray(schema.type)) {
    return schema.type.map((type) => ({ ...schema, type }));
  }
  if (!Array.isArray(schema.anyOf)) {
    return [schema];
  }
  const { anyOf, ...common } = schema;
  return anyOf.flatMap((alternative: JsonSchema) =>
    alternativesOf(alternative, root).map((one) => ({
      ...common,
      ...one,
      ...(Array.isArray(common.required) && { required: [...common.required, ...requiredIn(one)] }),
    })),
  );
}

function requiredIn({ required }: JsonSchema): unknown[] {
  return Array.isArray(required) ? required : [];
}

function definition(reference: string, root: JsonSchema): JsonSchema {
  const [, name = ''] = /^#\/\$defs\/(\w+)$/.exec(reference) ?? [];
  const found = (root.$defs as Record<string, JsonSchema> | undefined)?.[name];
  if (found === undefined) {
    throw new Error(`The schema refers to "${reference}", which is not in it.`);
  }
  return found;
}
