import { setTimeout as delay } from 'node:timers/promises';
import { TableClient } from '@azure/data-tables';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Stack, startStack } from '#dev/stack/stack.ts';
import { type Pipeline, startPipeline } from '../support/pipelineHarness.ts';
import { FORBIDDEN, type StorageProxy, startStorageProxy } from '../support/storageProxy.ts';
import { waitUntil } from '../support/waitUntil.ts';

/** Longer than the host needs for its five deliveries, which are a second apart here. */
const OUTAGE_MS = 8_000;

let stack: Stack;

beforeAll(async () => {
  stack = await startStack({ simulator: { limits: [{ calls: 10_000, windowMs: 1_000 }] } });
});
afterAll(() => stack.stop());

function newAlerts(count: number): string[] {
  return stack.simulator.control.addNewAlerts(count).map(({ id }) => id);
}

function callsFor(alertId: string): number {
  return stack.simulator.control.report().alerts[alertId] ?? 0;
}

/** A pipeline whose way to queues and tables can be disturbed. */
interface Disturbed {
  pipeline: Pipeline;
  tables: StorageProxy;
  queues: StorageProxy;
  /** The tables and queues that `what` names. */
  disturb(what: Target, how: 'refuse' | 'hang'): void;
  pass(): void;
  stop(): Promise<void>;
}

type Target = 'the state table' | 'the enrichments table' | 'all tables' | 'the queues' | 'everything';
const TARGETS: Target[] = [
  'the state table',
  'the enrichments table',
  'all tables',
  'the queues',
  'everything',
];

async function startDisturbed(): Promise<Disturbed> {
  const tables = await startStorageProxy(stack.azurite.connectionString, 'Table', FORBIDDEN);
  const queues = await startStorageProxy(tables.connectionString, 'Queue');
  const pipeline = await startPipeline(stack, { AlertsStorage: queues.connectionString });
  const { STATE_TABLE = '', ENRICHMENTS_TABLE = '' } = pipeline.settings;
  return {
    pipeline,
    tables,
    queues,
    disturb(what, how) {
      if (what !== 'the queues') {
        tables[how]((_method, path) => {
          if (what === 'the state table') {
            return path.includes(STATE_TABLE);
          }
          return what !== 'the enrichments table' || path.includes(ENRICHMENTS_TABLE);
        });
      }
      if (what === 'the queues' || what === 'everything') {
        queues[how](() => true);
      }
    },
    pass() {
      tables.pass();
      queues.pass();
    },
    async stop() {
      await tables.stop();
      await queues.stop();
    },
  };
}

/** A short outage, a long one, and one in which answers never come. */
const OUTAGES = [
  ['refuse', 2_000],
  ['refuse', OUTAGE_MS],
  ['hang', OUTAGE_MS],
] as const;

test.concurrent.each(TARGETS)(
  'outages of %s, short, long and without any answer, dead-letter no alert and lose none',
  async (what) => {
    const { pipeline, tables, queues, disturb, pass, stop } = await startDisturbed();
    const touched = () => tables.refused() + queues.refused();
    const all: string[] = [];
    for (const [how, ms] of OUTAGES) {
      const alerts = newAlerts(6);
      all.push(...alerts);
      const before = touched();
      disturb(what, how);
      await pipeline.submit(...alerts);
      await waitUntil('storage is disturbed', () => touched() > before);
      await delay(ms);
      pass();
      for (const alertId of alerts) {
        const { enrichment } = await pipeline.enrichmentOf(alertId);
        expect(enrichment).toMatchObject({ outcome: 'enriched', attempts: 1 });
        expect(callsFor(alertId)).toBe(1);
      }
      await pipeline.idle();
    }
    const out = (await pipeline.delivered()).map(({ enrichment }) => enrichment.alertId);
    expect(out.toSorted()).toEqual(all.toSorted());
    expect(await pipeline.deadLetters()).toEqual([]);
    expect(await pipeline.poisoned()).toEqual([]);
    await stop();
  },
);

describe('while a table cannot be used', () => {
  let disturbed: Disturbed;
  beforeAll(async () => {
    disturbed = await startDisturbed();
  });
  afterAll(() => disturbed.stop());

  test.each(['the state table', 'the enrichments table'] as const)(
    'no call is made, and the log says why the alert waits: %s',
    async (what) => {
      const { pipeline, disturb, pass } = disturbed;
      const [alertId = ''] = newAlerts(1);
      disturb(what, 'refuse');
      await pipeline.submit(alertId);
      const reasons = () => pipeline.eventsOf(alertId).filter(({ reason }) => reason === 'storage');
      await waitUntil('the alert is put back twice', () => reasons().length > 1);
      expect(reasons()[0]).toMatchObject({
        result: 'deferred',
        attempts: 0,
        detail: 'the storage service answers 403 AuthorizationPermissionMismatch',
      });
      expect(callsFor(alertId)).toBe(0);
      pass();
      expect((await pipeline.enrichmentOf(alertId)).enrichment.outcome).toBe('enriched');
    },
  );
});

test('while the output queue cannot be used, the stored answer waits and costs no second call', async () => {
  const { pipeline, queues, pass, stop } = await startDisturbed();
  const [alertId = ''] = newAlerts(1);
  queues.refuse((_method, path) => path.includes(`/${pipeline.settings.ENRICHMENTS_QUEUE}/`));
  await pipeline.submit(alertId);
  await waitUntil('the answer is stored and cannot be sent', async () => {
    return queues.refused() > 0 && (await pipeline.row(alertId))?.columns.outcome === 'enriched';
  });
  expect(await pipeline.delivered()).toEqual([]);
  pass();
  const { enrichment } = await pipeline.enrichmentOf(alertId);
  expect(enrichment).toMatchObject({ outcome: 'enriched', reused: false, attempts: 1 });
  await pipeline.idle();
  expect(await pipeline.enrichmentsOf(alertId)).toHaveLength(1);
  expect(callsFor(alertId)).toBe(1);
  await stop();
});

test.each(['enrichmentsTable', 'stateTable'] as const)(
  'a table that is gone is created again, and its alerts wait for that: %s',
  async (which) => {
    const pipeline = await startPipeline(stack);
    const [first = '', second = ''] = newAlerts(2);
    await pipeline.submit(first);
    expect((await pipeline.enrichmentOf(first)).enrichment.outcome).toBe('enriched');
    const { AlertsStorage: connection = '', STATE_TABLE = '' } = { ...stack.settings, ...pipeline.settings };
    const table =
      which === 'enrichmentsTable'
        ? pipeline.enrichmentsTable
        : TableClient.fromConnectionString(connection, STATE_TABLE, { allowInsecureConnection: true });
    await table.deleteTable();
    await pipeline.submit(second);
    expect((await pipeline.enrichmentOf(second)).enrichment.outcome).toBe('enriched');
    expect(await pipeline.poisoned()).toEqual([]);
  },
);

test('a ledger that is damaged holds alerts back, says which row it is, and dead-letters none', async () => {
  const pipeline = await startPipeline(stack);
  const [first = '', second = ''] = newAlerts(2);
  await pipeline.submit(first);
  await pipeline.enrichmentOf(first);
  const { AlertsStorage: connection = '', STATE_TABLE = '' } = { ...stack.settings, ...pipeline.settings };
  const table = TableClient.fromConnectionString(connection, STATE_TABLE, { allowInsecureConnection: true });
  const rows: { partitionKey: string; rowKey: string }[] = [];
  for await (const row of table.listEntities<object>()) {
    rows.push({ partitionKey: row.partitionKey ?? '', rowKey: row.rowKey ?? '' });
  }
  const ledger = rows.find(({ rowKey }) => rowKey === 'ledger');
  if (ledger === undefined) {
    throw new Error('no ledger');
  }
  await table.updateEntity({ ...ledger, state: 'damaged' }, 'Merge');
  await pipeline.submit(second);
  const deferred = () => pipeline.eventsOf(second).filter(({ reason }) => reason === 'storage');
  await waitUntil('the alert is put back', () => deferred().length > 0);
  expect(deferred()[0]?.detail).toMatch(/quota ledger.*Delete that row/s);
  await table.deleteEntity(ledger.partitionKey, ledger.rowKey);
  expect((await pipeline.enrichmentOf(second)).enrichment.outcome).toBe('enriched');
  expect(await pipeline.poisoned()).toEqual([]);
});
