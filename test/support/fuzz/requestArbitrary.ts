import fc from 'fast-check';
import type { OpenApiDocument, Operation, Parameter } from '#dev/openapi/openApi.ts';
import type { FuzzRequest } from './fuzzRequest.ts';
import { mutations } from './mutations.ts';
import { type SchemaWorld, schemaArbitrary } from './schemaArbitrary.ts';

/** A wait for an alert that is slow holds the others up, so few requests wait, and for a second only. */
const ONE_IN = 8;

/** Requests that the document allows, and ones that break it in some ways. */
export function requestArbitrary(
  document: OpenApiDocument,
  alertIds: readonly string[],
): fc.Arbitrary<FuzzRequest> {
  const { schemas } = document.components;
  const anyId = schemaArbitrary(schemas.AlertId ?? {}, { schemas, instead: {} });
  const AlertId = fc.oneof({ weight: 5, arbitrary: fc.constantFrom(...alertIds) }, anyId);
  const world = { schemas, instead: { AlertId } };
  const valid = fc.oneof(
    ...Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => ({
        weight: path.startsWith('/api/enrichments') ? 6 : 1,
        arbitrary: validRequest(path, method.toUpperCase(), operation, world),
      })),
    ),
  );
  const broken = fc
    .tuple(valid, fc.array(mutations, { minLength: 1, maxLength: 3 }))
    .map(([request, changes]) => changes.reduce((changed, change) => change(changed), request));
  return fc.oneof(valid, { weight: 3, arbitrary: broken });
}

function validRequest(
  path: string,
  method: string,
  { parameters = [], requestBody, responses }: Operation,
  world: SchemaWorld,
): fc.Arbitrary<FuzzRequest> {
  const place = (where: Parameter['in']) => parameters.filter((parameter) => parameter.in === where);
  const types = Object.keys(responses['200']?.content ?? {});
  const contents = Object.entries(requestBody?.content ?? {});
  return fc
    .record({
      segments: valuesOf(place('path'), world),
      query: valuesOf(place('query'), world),
      headers: valuesOf(place('header'), world),
      accept: fc.option(fc.constantFrom('*/*', ...types)),
      method: fc.constantFrom(method, ...(method === 'GET' ? ['HEAD'] : [])),
      body:
        contents.length === 0
          ? fc.constant(undefined)
          : fc.oneof(
              ...contents.map(([type, { schema }]) =>
                schemaArbitrary(schema, world).map((value) => ({ type, value })),
              ),
            ),
    })
    .map(({ segments, query, headers, accept, method, body }) => {
      const search = new URLSearchParams(query).toString();
      const filled = path.replaceAll(/\{(\w+)\}/g, (_, name) => encodeURIComponent(segments[name] ?? ''));
      return {
        method,
        target: search === '' ? filled : `${filled}?${search}`,
        headers: {
          ...headers,
          ...(accept !== null && { accept }),
          ...(body !== undefined && { 'content-type': body.type }),
        },
        ...(body !== undefined && {
          body: Buffer.from(body.type === 'text/plain' ? String(body.value) : JSON.stringify(body.value)),
        }),
        isValid: true,
      };
    });
}

function valuesOf(parameters: Parameter[], world: SchemaWorld): fc.Arbitrary<Record<string, string>> {
  const arbitraries = Object.fromEntries(parameters.map((one) => [one.name, textOf(one, world)]));
  const requiredKeys = parameters.filter(({ required }) => required).map(({ name }) => name);
  return fc.record(arbitraries, { requiredKeys }) as fc.Arbitrary<Record<string, string>>;
}

function textOf({ name, schema }: Parameter, world: SchemaWorld): fc.Arbitrary<string> {
  if (name === 'wait') {
    return schemaArbitrary(schema, world).map((value) => (Number(value) % ONE_IN === 1 ? '1' : '0'));
  }
  if (name === 'If-None-Match') {
    return fc.constantFrom('*', '"a"', 'W/"b", "c"', '');
  }
  return schemaArbitrary(schema, world).map(String);
}
