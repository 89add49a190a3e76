import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Stack, startStack } from '#dev/stack/stack.ts';
import { startPipeline } from '../support/pipelineHarness.ts';
import { startStorageProxy } from '../support/storageProxy.ts';
import { waitUntil } from '../support/waitUntil.ts';

let stack: Stack;

beforeAll(async () => {
  stack = await startStack({ simulator: { limits: [{ calls: 10_000, windowMs: 1_000 }] } });
});
afterAll(() => stack.stop());

function callsFor(alertIds: readonly string[]): number[] {
  const { alerts } = stack.simulator.control.report();
  return alertIds.map((alertId) => alerts[alertId] ?? 0);
}

test('a table that answers every other request for a row with 503 costs time, but no second call and no attempt', async () => {
  const tables = await startStorageProxy(stack.azurite.connectionString, 'Table');
  const pipeline = await startPipeline(stack, { AlertsStorage: tables.connectionString });
  const alertIds = stack.simulator.control.addNewAlerts(10).map((alert) => alert.id);
  const refused = new Set<string>();
  tables.refuse((method, path) => {
    if (!path.includes('AlertEnrichments')) {
      return false;
    }
    const request = `${method} ${path}`;
    return refused.delete(request) ? false : Boolean(refused.add(request));
  });
  await pipeline.submit(...alertIds);
  await pipeline.idle();
  expect(tables.refused()).toBeGreaterThan(10);
  const delivered = (await pipeline.delivered()).map(({ enrichment }) => enrichment);
  expect(delivered.map(({ alertId }) => alertId).toSorted()).toEqual(alertIds.toSorted());
  expect(new Set(delivered.map(({ outcome, attempts }) => `${outcome} in ${attempts}`))).toEqual(
    new Set(['enriched in 1']),
  );
  expect(callsFor(alertIds)).toEqual(alertIds.map(() => 1));
  expect(await pipeline.poisoned()).toEqual([]);
  await pipeline.hosts[0]?.stop();
  await tables.stop();
});

test('an output queue that is missing keeps the stored answer back until a host that starts creates it', async () => {
  const pipeline = await startPipeline(stack);
  await pipeline.enrichmentsQueue.delete();
  const alertIds = stack.simulator.control.addNewAlerts(2).map((alert) => alert.id);
  await pipeline.submit(...alertIds);
  await waitUntil('both answers are stored', async () => {
    const rows = await pipeline.rows();
    return rows.filter(({ outcome }) => outcome === 'enriched').length === 2;
  });
  await pipeline.startHost();
  await pipeline.idle();
  const delivered = (await pipeline.delivered()).map(({ enrichment }) => enrichment);
  expect(delivered.map(({ alertId }) => alertId).toSorted()).toEqual(alertIds.toSorted());
  expect(delivered).toMatchObject(alertIds.map(() => ({ outcome: 'enriched', reused: false, attempts: 1 })));
  expect(callsFor(alertIds)).toEqual([1, 1]);
  expect(await pipeline.poisoned()).toEqual([]);
});
