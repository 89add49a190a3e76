import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { machineSchema } from '#shared/device/machine.ts';
import { normalizeMachine } from '#shared/device/normalize.ts';
import { fitMessage, messageWriter } from '#shared/enrichment/outputMessage.ts';
import { deadLetterText } from '#shared/pipeline/outbox.ts';
import { receiveMessage } from '#shared/pipeline/receiveMessage.ts';
import type { SourceAnswer } from '#shared/sources/source.ts';
import { parseJson } from '#shared/text.ts';
import { asDelivered, base64, read } from '#test/shared/intake/support.ts';
import { createWorld } from '#test/shared/pipeline/world.ts';
import { errorsOf, validatorOf } from './validators.ts';

// After a change of the output, `npx vitest run test/dev/schema -u` writes the examples anew.
const folder = new URL('../../../docs/schema/examples/', import.meta.url);
const fixtures = new URL('../../fixtures/machines/', import.meta.url);

const delivery = {
  id: '3e1f6c0a-52d5-4a55-9d0b-6f2f5a9f7a11',
  insertionTime: '2026-11-23T11:59:58+00:00',
  expirationTime: '2026-11-30T11:59:58+00:00',
};
const machine = machineSchema.parse(readJson(new URL('azure-linux-vm.json', fixtures)));
const found: SourceAnswer = {
  kind: 'found',
  source: 'defender',
  machine,
  retrievedAt: new Date('2026-11-23T12:00:00.000Z'),
  unavailable: [],
};
const notFound: SourceAnswer = { kind: 'not_found', detail: 'Defender answered 404.' };
const rejected: SourceAnswer = {
  kind: 'rejected',
  code: 'BadRequest',
  message: 'The alert ID is not valid.',
  target: undefined,
};

function readJson(file: URL) {
  return JSON.parse(readFileSync(file, 'utf8'));
}

/** What the pipeline sends for a message when the source answers so, as text. */
async function outputFor(
  body: unknown,
  answer: SourceAnswer,
  {
    fits = (_text: string): boolean => true,
    write = messageWriter({ envelope: 'plain', appName: undefined }),
  } = {},
) {
  const world = createWorld({
    find: () => answer,
    message: { summary: true, formats: ['ocsf', 'ecs', 'asim', 'sentinel'] },
  });
  world.deps.source = { ...world.deps.source, name: 'defender' };
  await receiveMessage({ body, delivery }, world.receiver, () => {}, new AbortController().signal);
  await world.drain();
  const row = {
    table: 'AlertEnrichments',
    partitionKey: 'da637472900382838869_1364969609',
    rowKey: 'device',
  };
  return {
    messages: world.published.map((enrichment) => fitMessage(enrichment, row, fits, write)),
    deadLetters: world.buried.map((letter) => deadLetterText(letter, () => true)),
  };
}

const asCloudEvent = messageWriter({ envelope: 'cloudevents', appName: 'contoso-enrichment' });
const input = readJson(new URL('input-object.json', folder));
const examples = [
  {
    name: 'device',
    contract: 'device',
    output: async () => [JSON.stringify(normalizeMachine(machine, new Date('2026-11-23T12:00:00Z')))],
  },
  {
    name: 'enrichment',
    contract: 'enrichment',
    output: async () => (await outputFor(input, found)).messages,
  },
  {
    name: 'enrichment-not-found',
    contract: 'enrichment',
    output: async () => (await outputFor(input, notFound)).messages,
  },
  {
    name: 'enrichment-pointer',
    contract: 'enrichment-pointer',
    output: async () => (await outputFor(input, found, { fits: (text) => text.length < 100 })).messages,
  },
  {
    name: 'enrichment-event',
    contract: 'enrichment-event',
    output: async () => (await outputFor(input, notFound, { write: asCloudEvent })).messages,
  },
  {
    name: 'dead-letter',
    contract: 'dead-letter',
    output: async () => (await outputFor(input, rejected)).deadLetters,
  },
  {
    name: 'dead-letter-no-alert',
    contract: 'dead-letter',
    output: async () => (await outputFor({ alert: 'da1' }, found)).deadLetters,
  },
];

test.each(examples)(
  'the example $name is what the program puts out, and valid',
  async ({ name, contract, output }) => {
    const [text = '', ...more] = await output();
    expect(more).toEqual([]);
    const value = JSON.parse(text);
    expect(errorsOf(validatorOf(contract), value)).toEqual([]);
    const file = fileURLToPath(new URL(`${name}.json`, folder));
    await expect(`${JSON.stringify(value, null, 2)}\n`).toMatchFileSnapshot(file);
  },
);

test('no example is left over', () => {
  const names = [...examples.map(({ name }) => name), 'input-list', 'input-object'];
  expect(readdirSync(folder).toSorted()).toEqual(names.map((name) => `${name}.json`).toSorted());
});

test('every device of the fixtures is valid', () => {
  const validate = validatorOf('device');
  for (const name of readdirSync(fixtures)) {
    const device = normalizeMachine(machineSchema.parse(readJson(new URL(name, fixtures))), new Date());
    expect(errorsOf(validate, device), name).toEqual([]);
  }
});

test('a message with a property that a later release adds is still valid', () => {
  const enrichment = readJson(new URL('enrichment.json', folder));
  const later = { ...enrichment, more: 1, device: { ...enrichment.device, more: 1 } };
  expect(errorsOf(validatorOf('enrichment'), later)).toEqual([]);
});

describe('the input schema', () => {
  const validate = validatorOf('input');
  const guide = readFileSync(new URL('../../../docs/input.md', import.meta.url), 'utf8');
  const samples = [
    ...[...guide.matchAll(/^```(?:json|text)\n([\s\S]*?)^```/gm)].map(([, sample = '']) =>
      asDelivered(sample.trim()),
    ),
    input,
    readJson(new URL('input-list.json', folder)),
  ];

  test.each(samples)('takes sample %$', (sample) => {
    expect(errorsOf(validate, sample)).toEqual([]);
    expect(read(sample).rejections).toEqual([]);
  });

  test.each([
    {},
    [],
    null,
    12,
    '',
    'da 1',
    { alertId: '' },
    { alertId: 'da1', refresh: 'yes' },
    { alertId: 'da1', alertIds: ['da2'] },
    { alertIds: [] },
    { alertIds: 'da1' },
    { id: 'da1' },
    [['da1']],
    { SystemAlertId: 'da1' },
    { specversion: '0.3', data: 'da1' },
  ])('refuses %j, as the program does', (sample) => {
    expect(errorsOf(validate, sample)).not.toEqual([]);
    expect(read(sample).submissions).toEqual([]);
  });

  test('takes nothing that the program refuses, in the object and list forms', () => {
    const anyValue = fc.oneof(
      fc.jsonValue({ maxDepth: 2 }),
      fc.constantFrom<unknown>(null, '', 'da1', 'x'.repeat(257), 2 ** 53, 1.5),
    );
    const id = fc.oneof({ weight: 4, arbitrary: fc.stringMatching(/^da[A-Za-z0-9_-]{0,126}$/) }, anyValue);
    const fields = {
      correlationId: fc.oneof(fc.string({ maxLength: 300 }), fc.integer(), anyValue),
      machineId: fc.oneof(id, anyValue),
      tenantId: fc.oneof(fc.string({ maxLength: 150 }), anyValue),
      metadata: fc.oneof(fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 2 })), anyValue),
      refresh: fc.oneof(fc.boolean(), anyValue),
    };
    const object = fc.record({ alertId: id, ...fields }, { requiredKeys: ['alertId'] });
    const list = fc.record(
      { alertIds: fc.oneof(fc.array(id), anyValue), ...fields },
      { requiredKeys: ['alertIds'] },
    );
    let valid = 0;
    fc.assert(
      fc.property(fc.oneof(id, object, list, fc.array(fc.oneof(id, object))), (body) => {
        // A text that is JSON itself is read as what it stands for.
        if (!validate(body) || (typeof body === 'string' && parseJson(body) !== undefined)) {
          return;
        }
        valid += 1;
        const text = JSON.stringify(body);
        expect(read(asDelivered(text)).rejections).toEqual([]);
        expect(read(base64(text)).rejections).toEqual([]);
      }),
      { numRuns: 1_000 },
    );
    expect(valid).toBeGreaterThan(100);
  });
});
