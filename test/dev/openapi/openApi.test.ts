import { readFileSync } from 'node:fs';
import { Validator } from '@seriousme/openapi-schema-validator';
import { describe, expect, test } from 'vitest';
import type { OpenApiDocument } from '#dev/openapi/openApi.ts';
import { openApiFiles } from '#dev/openapi/openApiFiles.ts';
import type { JsonSchema } from '#dev/schema/jsonSchema.ts';
import { documentValidator } from '#test/support/fuzz/documentValidator.ts';
import { listItems, sectionOf } from '../../docs/guide.ts';

const files = (await openApiFiles()).map(({ file, text }) => ({
  name: file.href.split('/').at(-1),
  file,
  text,
}));
const descriptions = files.filter(({ name }) => name?.endsWith('.json'));
const [document, swagger] = descriptions.map(({ text }) => JSON.parse(text)) as [OpenApiDocument, Swagger];

interface Swagger {
  paths: Record<string, Record<string, SwaggerOperation>>;
  definitions: Record<string, JsonSchema>;
}
interface SwaggerOperation {
  operationId: string;
  summary: string;
  description: string;
  parameters: { name: string; schema?: JsonSchema }[];
  responses: Record<string, { schema?: JsonSchema; examples?: Record<string, unknown> }>;
}

describe.each(files)('$name', ({ file, text }) => {
  test('is published as the program has it (else run "npm run schema")', () => {
    expect(readFileSync(file, 'utf8')).toBe(text);
  });
});

describe.each(descriptions)('$name', ({ text }) => {
  test('is valid, and every reference in it leads somewhere', async () => {
    expect(await new Validator().validate(JSON.parse(text))).toEqual({ valid: true });
  });

  test('has a component for every one that is used, and no other', () => {
    const used = [...text.matchAll(/"#\/(?:components\/schemas|definitions)\/(\w+)"/g)].map(
      ([, name]) => name,
    );
    const { components, definitions = components?.schemas } = JSON.parse(text);
    expect(Object.keys(definitions).toSorted()).toEqual([...new Set(used)].toSorted());
  });
});

/** All operations with their paths and methods. */
const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
);

describe.each(operations)('$method $path', ({ path, method, operation }) => {
  const bodies = [
    ...Object.entries(operation.requestBody?.content ?? {}),
    ...Object.values(operation.responses).flatMap(({ content = {} }) => Object.entries(content)),
  ];
  const examples = bodies.flatMap(([type, { schema, examples = {} }]) =>
    Object.entries(examples).map(([name, { value }]) => ({ type, name, schema, value })),
  );

  test('has examples that its schemas allow, as strictly as can be', () => {
    const validator = documentValidator(document);
    for (const { type, name, schema, value } of examples) {
      expect(validator.errorsOf(schema, value), `${type} ${name}`).toEqual([]);
    }
    for (const [type, { examples = {} }] of bodies) {
      if (type !== 'text/plain') {
        expect(Object.keys(examples), type).not.toEqual([]);
      }
    }
  });

  test('is there in version 2.0, and takes and gives what this one does', () => {
    const other = swagger.paths[path]?.[method];
    expect(other).toMatchObject({ operationId: operation.operationId, summary: operation.summary });
    expect(Object.keys(other?.responses ?? {})).toEqual(Object.keys(operation.responses));
    const validator = documentValidator(swagger);
    for (const [status, { content = {} }] of Object.entries(operation.responses)) {
      const schema = other?.responses[status]?.schema;
      for (const { examples = {} } of [
        content['application/json'],
        content['application/problem+json'],
      ].flatMap((body) => body ?? [])) {
        for (const { value } of Object.values(examples)) {
          expect(validator.errorsOf(schema ?? {}, value), status).toEqual([]);
        }
      }
    }
  });
});

describe('version 2.0', () => {
  const text = JSON.stringify(swagger);

  test('is smaller than what a custom connector may be', () => {
    expect(
      Buffer.byteLength(readFileSync(new URL('../../../docs/openapi.v2.json', import.meta.url))),
    ).toBeLessThan(1_000_000);
  });

  test.each(['anyOf', 'oneOf', 'allOf', 'const', '$defs', 'propertyNames', 'nullable'])(
    'knows no %s',
    (keyword) => {
      expect(text).not.toContain(`"${keyword}":`);
    },
  );

  test('has one type for each schema', () => {
    expect(text).not.toContain('"type":[');
    expect(text).not.toContain('"null"');
  });

  test('lets nothing stand beside a reference', () => {
    expect(text).not.toMatch(/,"\$ref"|"\$ref":"[^"]*",/);
  });

  test('takes an order of which the program makes the same', () => {
    const order = swagger.paths['/api/enrichments']?.post?.parameters.find(({ name }) => name === 'order');
    const validator = documentValidator(swagger);
    const example = { alertIds: ['da1', 'da2'], correlationId: 'INC-1', refresh: true, metadata: { a: 1 } };
    expect(validator.errorsOf(order?.schema ?? {}, example)).toEqual([]);
    expect(validator.errorsOf(order?.schema ?? {}, { alertIds: [] })).not.toEqual([]);
    expect(documentValidator(document).errorsOf({ $ref: '#/components/schemas/Order' }, example)).toEqual([]);
  });
});

/** The problems of the program, by the last parts of their types. */
/** The problems of the program, each with its status. */
function problems(): [name: string, status: string][] {
  const source = readFileSync(new URL('../../../shared/http/problem.ts', import.meta.url), 'utf8');
  return [...source.matchAll(/^ {2}'([\w-]+)': \{ status: (\d+)/gm)].map(([, name = '', status = '']) => [
    name,
    status,
  ]);
}

test('every problem of the program is described', () => {
  const shown = operations.flatMap(({ operation }) =>
    Object.values(operation.responses).flatMap(({ content }) =>
      Object.keys(content?.['application/problem+json']?.examples ?? {}),
    ),
  );
  expect([...new Set(shown)].toSorted()).toEqual(
    problems()
      .map(([name]) => name)
      .toSorted(),
  );
});

test('every problem of the program is in the guide, with its status', () => {
  const guide = readFileSync(new URL('../../../docs/http.md', import.meta.url), 'utf8');
  const named = listItems(sectionOf(guide, 'Errors')).map(([line = '']) =>
    /^`([\w-]+)` \((\d+)\): /.exec(line)?.slice(1),
  );
  expect(named).toEqual(problems());
});
