import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { type Stack, startStack } from '#dev/stack/stack.ts';
import { type Pipeline, startPipeline } from '../support/pipelineHarness.ts';
import { waitUntil } from '../support/waitUntil.ts';

const BULK = { BULK_LOOKUPS: 'auto' };

let stack: Stack;
beforeAll(async () => {
  const plenty = [{ calls: 100_000, windowMs: 1_000 }];
  stack = await startStack({
    simulator: {
      machines: 40,
      alerts: 0,
      roles: ['Machine.Read.All', 'Alert.Read.All', 'SecurityAlert.Read.All', 'ThreatHunting.Read.All'],
      limits: plenty,
      graphLimits: plenty,
      huntingLimits: plenty,
    },
  });
});
afterAll(() => stack.stop());

/** New alerts, and which device each is about. */
function newAlerts(count: number): Map<string, string | null> {
  const alerts = stack.simulator.control.addNewAlerts(count);
  return new Map(alerts.map(({ id, machineId }) => [id, machineId]));
}

/** That each alert has one enrichment, with its own device. */
async function expectRightDevices(pipeline: Pipeline, alerts: ReadonlyMap<string, string | null>) {
  await waitUntil(
    'all are done',
    async () =>
      new Set((await pipeline.delivered()).map(({ enrichment }) => enrichment.alertId)).size === alerts.size,
  );
  await pipeline.idle();
  const enrichments = (await pipeline.delivered()).map(({ enrichment }) => enrichment);
  for (const { alertId, device } of enrichments) {
    expect([alertId, device?.id]).toEqual([alertId, alerts.get(alertId)]);
  }
  const rows = await pipeline.rows();
  expect(rows).toHaveLength(alerts.size);
  expect(await pipeline.deadLetters()).toEqual([]);
  return enrichments;
}

test.each(['defender', 'graph'])('many alerts at once take far fewer calls by lists: %s', async (source) => {
  const pipeline = await startPipeline(stack, { ...BULK, ENRICHMENT_SOURCE: source });
  const alerts = newAlerts(300);
  const before = stack.simulator.control.calls().length;
  await pipeline.submit(...alerts.keys());
  const enrichments = await expectRightDevices(pipeline, alerts);
  expect(stack.simulator.control.calls().length - before).toBeLessThan(30);
  expect(enrichments.filter(({ source: { bulk } }) => bulk).length).toBeGreaterThan(200);
  const row = await pipeline.row(enrichments.find(({ source: { bulk } }) => bulk)?.alertId ?? '');
  expect(row?.columns).toMatchObject({ sourceBulk: true });
});

test('a host that is killed in the middle loses nothing', async () => {
  const pipeline = await startPipeline(stack, { ...BULK, LOCAL_HOST_LEASE_SECONDS: '3' });
  const alerts = newAlerts(300);
  await pipeline.submit(...alerts.keys());
  await waitUntil('some are done', async () => (await pipeline.delivered()).length > 20);
  await pipeline.hosts[0]?.kill();
  await pipeline.startHost();
  await expectRightDevices(pipeline, alerts);
});

test('faults in the lists leave alerts to their own calls', async () => {
  const pipeline = await startPipeline(stack, BULK);
  const broken = { 'http-503': 0.05, truncated: 0.05, html: 0.05, 'error-object': 0.05, array: 0.05 };
  const wrong = { 'list-repeats': 0.1, 'list-shuffled': 0.1, 'list-gaps': 0.2, 'list-strangers': 0.1 };
  const throttled = { 'throttle-seconds': { rate: 0.05, waitSeconds: 1 } };
  const faults = { ...broken, ...wrong, ...throttled };
  stack.simulator.control.setFaultRates(faults, ['defender']);
  onTestFinished(() => stack.simulator.control.setFaultRates({}, ['defender']));
  const alerts = newAlerts(200);
  await pipeline.submit(...alerts.keys());
  await expectRightDevices(pipeline, alerts);
});

test('without the role for lists alerts that name their device go by lists of machines', async () => {
  stack.simulator.control.revokeRoles(['Alert.Read.All']);
  onTestFinished(() => stack.simulator.control.grantRoles(['Alert.Read.All']));
  const pipeline = await startPipeline(stack, BULK);
  const alerts = newAlerts(200);
  const before = stack.simulator.control.calls().length;
  await pipeline.submit(...[...alerts].map(([alertId, machineId]) => ({ alertId, machineId })));
  await expectRightDevices(pipeline, alerts);
  const calls = stack.simulator.control.calls().slice(before);
  expect(calls.filter(({ route }) => route === 'alerts')).toEqual([]);
  expect(calls.length).toBeLessThan(20);
});
