import type { JsonSchema } from '../schema/jsonSchema.ts';
import { labelOf } from './label.ts';
import type { Header, MediaType, OpenApiDocument, Operation, Parameter, ResponseObject } from './openApi.ts';
import { swaggerSchema } from './swaggerSchema.ts';

/** The form of an order that a designer can show as a list of fields: one schema without alternatives. */
const ORDER_FORM = 'AlertList';

/**
 * The API in OpenAPI 2.0, as custom connectors of Logic Apps import it
 * (https://learn.microsoft.com/connectors/custom-connectors/define-openapi-definition): less than 1 MB, no alternatives
 * in schemas, and one way to sign in, as the connector takes the first one only.
 */
export function swaggerOf(document: OpenApiDocument): JsonSchema {
  const { info, servers, tags, paths, components } = document;
  const { license: _, ...plainInfo } = info;
  const { description, ...functionKey } = components.securitySchemes.functionKey ?? {};
  const swagger: JsonSchema = {
    swagger: '2.0',
    info: plainInfo,
    host: servers[0]?.variables?.host?.default,
    basePath: '/',
    schemes: ['https'],
    consumes: ['application/json'],
    produces: ['application/json'],
    securityDefinitions: { functionKey: { ...functionKey, description } },
    security: [{ functionKey: [] }],
    tags,
    paths: Object.fromEntries(
      Object.entries(paths).map(([path, methods]) => [
        path,
        Object.fromEntries(
          Object.entries(methods).map(([method, operation]) => [
            method,
            swaggerOperation(operation, components),
          ]),
        ),
      ]),
    ),
  };
  return { ...swagger, definitions: definitionsFor(swagger, components) };
}

type Components = OpenApiDocument['components'];

function swaggerOperation(
  { parameters = [], requestBody, responses, ...operation }: Operation,
  components: Components,
): JsonSchema {
  return {
    ...operation,
    parameters: [
      ...parameters.map((parameter) => swaggerParameter(parameter, components)),
      ...(requestBody === undefined ? [] : [bodyParameter()]),
    ],
    responses: Object.fromEntries(
      Object.entries(responses).map(([status, response]) => [status, swaggerResponse(response, components)]),
    ),
  };
}

function swaggerParameter({ schema, ...parameter }: Parameter, components: Components): JsonSchema {
  const { description: _, ...plain } = swaggerSchema(resolved(schema, components), components.schemas);
  return {
    ...parameter,
    'x-ms-summary': labelOf(parameter.name),
    ...plain,
    // A designer warns about path parameters whose encoding is left open.
    ...(parameter.in === 'path' && { 'x-ms-url-encoding': 'single' }),
  };
}

function bodyParameter(): JsonSchema {
  return {
    name: 'order',
    in: 'body',
    required: true,
    description: 'The alerts, and what holds for all of them.',
    'x-ms-summary': 'Order',
    schema: { $ref: `#/definitions/${ORDER_FORM}` },
  };
}

function swaggerResponse(
  { description, headers = {}, content = {} }: ResponseObject,
  components: Components,
): JsonSchema {
  const json = content['application/json'] ?? content['application/problem+json'];
  return {
    description,
    ...(json !== undefined && {
      schema: swaggerSchema(json.schema, components.schemas),
      examples: examplesOf(json),
    }),
    headers: Object.fromEntries(
      Object.entries(headers).map(([name, header]) => [name, swaggerHeader(header, components)]),
    ),
  };
}

/** Version 2.0 knows one example for each media type. */
function examplesOf({ examples = {} }: MediaType): JsonSchema {
  return { 'application/json': Object.values(examples)[0]?.value };
}

function swaggerHeader({ description, schema }: Header, components: Components): JsonSchema {
  return { description, ...swaggerSchema(schema, components.schemas) };
}

function resolved(schema: JsonSchema, { schemas }: Components): JsonSchema {
  const name = typeof schema.$ref === 'string' ? schema.$ref.split('/').at(-1) : undefined;
  return name === undefined ? schema : (schemas[name] ?? {});
}

/** The schemas that the operations use, and those that these use. */
function definitionsFor(used: JsonSchema, { schemas }: Components): Record<string, JsonSchema> {
  const definitions: Record<string, JsonSchema> = {};
  const waiting = namesIn(used);
  for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
    const schema = schemas[name];
    if (schema === undefined || name in definitions) {
      continue;
    }
    const definition = swaggerSchema(schema, schemas);
    definitions[name] = definition;
    waiting.push(...namesIn(definition));
  }
  return Object.fromEntries(Object.entries(definitions).toSorted(([one], [other]) => (one < other ? -1 : 1)));
}

function namesIn(value: JsonSchema): string[] {
  return [...JSON.stringify(value).matchAll(/"#\/definitions\/(\w+)"/g)].map(([, name = '']) => name);
}
