import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Stack, startStack } from '#dev/stack/stack.ts';
import { type DefenderServer, startDefenderServer } from '../support/defenderServer.ts';
import { type Pipeline, startPipeline } from '../support/pipelineHarness.ts';
import { waitUntil } from '../support/waitUntil.ts';

let stack: Stack;
let defender: DefenderServer;
let pipeline: Pipeline;

beforeAll(async () => {
  defender = await startDefenderServer();
  stack = await startStack();
  pipeline = await startPipeline(stack, defender.settings);
});
afterAll(async () => {
  await stack.stop();
  await defender.stop();
});

function machine(overrides: object = {}): object {
  return {
    id: '1e5bc9d7e413ddd7902c2932e418702b84d0cc07',
    computerDnsName: 'host.example.com',
    ...overrides,
  };
}

test('the host works against any storage and any server of the same shape that the settings name', async () => {
  defender.machines.set('da637472900382838869_1', machine());
  await pipeline.submit('da637472900382838869_1', 'da637472900382838869_2');
  const known = await pipeline.enrichmentOf('da637472900382838869_1');
  expect(known.enrichment).toMatchObject({ outcome: 'enriched', device: { raw: machine() } });
  const unknown = await pipeline.enrichmentOf('da637472900382838869_2');
  expect(unknown.enrichment).toMatchObject({ outcome: 'not_found', attempts: 3 });
  expect(stack.simulator.control.calls()).toEqual([]);
  expect(stack.simulator.control.issuedTokens()).toEqual([]);
});

test('refused connections defer an alert until the server is back', async () => {
  const alertId = 'da637472900382838870_1';
  defender.machines.set(alertId, machine());
  await defender.hangUp();
  await pipeline.submit(alertId);
  const [event] = await waitUntil('it is put back', () => {
    const events = pipeline.eventsOf(alertId);
    return events.length > 0 && events;
  });
  expect(event).toMatchObject({
    result: 'deferred',
    reason: 'unavailable',
    detail: expect.stringContaining('ECONNREFUSED'),
  });
  await defender.listenAgain();
  const { enrichment } = await pipeline.enrichmentOf(alertId);
  expect(enrichment.outcome).toBe('enriched');
  expect(enrichment.attempts).toBeGreaterThan(1);
  expect(defender.calls.filter((called) => called === alertId)).toHaveLength(1);
});

describe('an enrichment too long for a queue message', () => {
  const metadata = { note: 'm'.repeat(16_000) };
  const tags = (count: number) =>
    Array.from({ length: count }, (_, index) => `tag-${index}-${'x'.repeat(90)}`);

  test('leaves the raw record out first', async () => {
    const alertId = 'da637472900382838871_1';
    const large = machine({ somethingNew: 'n'.repeat(40_000) });
    defender.machines.set(alertId, large);
    await pipeline.submit({ alertId, metadata });
    const { enrichment, rowThen } = await pipeline.enrichmentOf(alertId);
    expect(enrichment).toMatchObject({ outcome: 'enriched', metadata, device: { hostname: 'host' } });
    expect(enrichment.device).not.toHaveProperty('raw');
    expect(enrichment.table).toBeUndefined();
    expect(rowThen).toMatchObject({ device: enrichment.device, machine: large });
  });

  test('becomes a pointer to the row when that is not enough', async () => {
    const alertId = 'da637472900382838871_2';
    const large = machine({ machineTags: tags(400) });
    defender.machines.set(alertId, large);
    await pipeline.submit({ alertId, metadata, correlationId: 'INC-8' });
    const { enrichment } = await pipeline.enrichmentOf(alertId);
    expect(enrichment).toMatchObject({
      outcome: 'enriched',
      alertId,
      correlationId: 'INC-8',
      table: pipeline.settings.ENRICHMENTS_TABLE,
      partitionKey: alertId,
      rowKey: 'device',
    });
    expect(enrichment).not.toHaveProperty('device');
    expect(enrichment).not.toHaveProperty('metadata');
    const row = await pipeline.row(String(enrichment.partitionKey));
    expect(row).toMatchObject({ device: { tags: tags(400) }, machine: large });
  });
});

describe('a machine as large as can be', () => {
  const addresses = (count: number) =>
    Array.from({ length: count }, (_, index) => ({
      ipAddress: `10.${index >> 16}.${(index >> 8) & 255}.${index & 255}`,
    }));

  test('fits into a row, whatever it is made of', async () => {
    const alertId = 'da637472900382838872_1';
    const large = machine({ ipAddresses: addresses(3_700) });
    expect(JSON.stringify(large).length).toBeGreaterThan(98_000);
    defender.machines.set(alertId, large);
    await pipeline.submit(alertId);
    const { enrichment, rowThen } = await pipeline.enrichmentOf(alertId);
    expect(enrichment).toMatchObject({ outcome: 'enriched', rowKey: 'device' });
    expect(rowThen?.machine).toEqual(large);
  });

  test('is no answer beyond that: its alert ends as failed, published and dead-lettered', async () => {
    const alertId = 'da637472900382838872_2';
    defender.machines.set(alertId, machine({ ipAddresses: addresses(40_000) }));
    const impatient = await startPipeline(stack, defender.settings);
    await impatient.submit(alertId);
    expect((await impatient.enrichmentOf(alertId)).enrichment).toMatchObject({
      outcome: 'failed',
      error: { code: 'source_answer_unusable', message: expect.stringContaining('longer than') },
    });
    expect(await impatient.deadLetterOf(alertId)).toMatchObject({ reason: 'source_answer_unusable' });
    expect(await impatient.poisoned()).toEqual([]);
  });
});

test('no token and no key is in any log, row or message', async () => {
  const text = await pipeline.everything();
  const [, key = ''] = /AccountKey=([^;]+)/.exec(stack.azurite.connectionString) ?? [];
  const secrets = [defender.token, defender.settings.IDENTITY_HEADER ?? '', key];
  expect(secrets.filter((secret) => text.includes(secret))).toEqual([]);
});
