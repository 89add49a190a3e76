import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import type { JsonSchema } from '#dev/schema/jsonSchema.ts';

export interface DocumentValidator {
  /** What the schema, whose references point into the document, has against the value. */
  errorsOf(schema: JsonSchema, value: unknown): unknown[];
}

/**
 * Validates values against the schemas in a document of OpenAPI 3.1 or 2.0. Beyond the schemas, it refuses properties of
 * an answer that no schema names: they would be there without being described.
 */
export function documentValidator(document: object): DocumentValidator {
  const ajv = new Ajv2020({ strict: true, strictRequired: false, allErrors: true });
  addFormats.default(ajv);
  ajv.addFormat('int64', true);
  const root = 'https://localhost/document';
  const compiled = new Map<string, ValidateFunction>();
  const { components, definitions } = JSON.parse(JSON.stringify(document), (_, value) => closed(value));
  ajv.addVocabulary(['components', 'schemas', 'x-ms-summary', 'x-nullable']);
  ajv.addSchema({
    $id: root,
    ...(components ? { components: { schemas: components.schemas } } : { definitions }),
  });

  return {
    errorsOf(schema, value) {
      const text = JSON.stringify(schema).replaceAll('"#/', `"${root}#/`);
      let validate = compiled.get(text);
      if (validate === undefined) {
        validate = ajv.compile(JSON.parse(text, (_, part) => closed(part)));
        compiled.set(text, validate);
      }
      return validate(value) ? [] : (validate.errors ?? []);
    },
  };
}

/** One part of a schema: an object lets no property pass that it does not name, and null is a type of its own. */
function closed(schema: unknown): unknown {
  if (typeof schema !== 'object' || schema === null || !('type' in schema)) {
    return schema;
  }
  const { 'x-nullable': isNullable, ...rest } = schema as JsonSchema;
  const isNamed = schema.type === 'object' && 'properties' in schema && !('additionalProperties' in schema);
  const strict: JsonSchema = isNamed ? { ...rest, additionalProperties: false } : rest;
  return isNullable === true ? { anyOf: [strict, { type: 'null' }] } : strict;
}
