import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { type Stack, startStack } from '../../dev/stack/stack.ts';
import { type Pipeline, startPipeline } from '../support/pipelineHarness.ts';
import { type StorageProxy, startStorageProxy } from '../support/storageProxy.ts';
import { waitUntil } from '../support/waitUntil.ts';

let stack: Stack;
let tables: StorageProxy;
let queues: StorageProxy;
let behindTables: Pipeline;
let behindQueues: Pipeline;

beforeAll(async () => {
  stack = await startStack({ simulator: { limits: [{ calls: 10_000, windowMs: 1_000 }] } });
  tables = await startStorageProxy(stack.azurite.connectionString, 'Table');
  queues = await startStorageProxy(stack.azurite.connectionString, 'Queue');
  behindTables = await startPipeline(stack, { AlertsStorage: tables.connectionString });
  behindQueues = await startPipeline(stack, { AlertsStorage: queues.connectionString });
});
afterEach(() => {
  tables.pass();
  queues.pass();
});
afterAll(async () => {
  await stack.stop();
  await tables.stop();
  await queues.stop();
});

function newAlert(): string {
  return stack.simulator.control.addNewAlerts(1)[0]?.id ?? '';
}

function callsFor(alertId: string): number {
  return stack.simulator.control.report().alerts[alertId] ?? 0;
}

const failures = (pipeline: Pipeline) =>
  pipeline.hosts.flatMap((host) => host.output).filter((line) => line.includes('Failed:'));

test('while the table cannot be used, no call is made; the host delivers again and the alert ends', async () => {
  const alertId = newAlert();
  tables.refuse(() => true);
  await behindTables.submit(alertId);
  await waitUntil('the function fails', () => failures(behindTables).length > 0);
  expect(callsFor(alertId)).toBe(0);
  tables.pass();
  expect((await behindTables.enrichmentOf(alertId)).enrichment).toMatchObject({
    outcome: 'enriched',
    attempts: 1,
  });
  expect(callsFor(alertId)).toBe(1);
});

test('while the ledger cannot be used, no call is made: it fails closed', async () => {
  const alertId = newAlert();
  tables.refuse((_method, path) => path.includes(behindTables.settings.STATE_TABLE ?? ''));
  await behindTables.submit(alertId);
  await waitUntil('the ledger is refused', () => failures(behindTables).length > 1);
  expect(callsFor(alertId)).toBe(0);
  tables.pass();
  expect((await behindTables.enrichmentOf(alertId)).enrichment.outcome).toBe('enriched');
  expect(callsFor(alertId)).toBe(1);
});

test('while the output queue cannot be used, the stored answer waits and costs no second call', async () => {
  const alertId = newAlert();
  queues.refuse((_method, path) => path.includes(`/${behindQueues.settings.ENRICHMENTS_QUEUE}/`));
  await behindQueues.submit(alertId);
  await waitUntil('the answer is stored and cannot be sent', async () => {
    return queues.refused() > 0 && (await behindQueues.row(alertId))?.columns.outcome === 'enriched';
  });
  expect(await behindQueues.delivered()).toEqual([]);
  queues.pass();
  const { enrichment } = await behindQueues.enrichmentOf(alertId);
  expect(enrichment).toMatchObject({ outcome: 'enriched', reused: false, attempts: 1 });
  await behindQueues.idle();
  expect(await behindQueues.enrichmentsOf(alertId)).toHaveLength(1);
  expect(callsFor(alertId)).toBe(1);
});

test('while the whole queue service cannot be used, the host waits and goes on without a restart', async () => {
  const alertId = newAlert();
  queues.refuse(() => true);
  const before = queues.refused();
  await behindQueues.submit(alertId);
  await waitUntil('the host is refused', () => queues.refused() > before + 3);
  queues.pass();
  expect((await behindQueues.enrichmentOf(alertId)).enrichment.outcome).toBe('enriched');
  expect(behindQueues.hosts).toHaveLength(1);
});

test('a table that is gone fails the function at once, without a call and without asking for ever', async () => {
  const pipeline = await startPipeline(stack);
  await pipeline.enrichmentsTable.deleteTable();
  const alertId = newAlert();
  await pipeline.submit(alertId);
  await waitUntil('the function fails', () => failures(pipeline).length > 0, { timeoutMs: 10_000 });
  expect(failures(pipeline)[0]).toContain('TableNotFound');
  expect(callsFor(alertId)).toBe(0);
});
