import { TableClient } from '@azure/data-tables';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import type { FaultInput } from '#dev/simulator/faults.ts';
import { type Stack, startStack } from '#dev/stack/stack.ts';
import { type Pipeline, startPipeline } from '../support/pipelineHarness.ts';
import { secretsOf } from '../support/secrets.ts';
import { waitUntil } from '../support/waitUntil.ts';

const GRAPH = { ENRICHMENT_SOURCE: 'graph' };
/** As many alerts may be in the hands of a host when it is killed. */
const IN_FLIGHT = 48;

let stack: Stack;
beforeAll(async () => {
  const plenty = [{ calls: 100_000, windowMs: 1_000 }];
  stack = await startStack({ simulator: { limits: plenty, graphLimits: plenty, huntingLimits: plenty } });
});
afterAll(() => stack.stop());

function newAlerts(count: number): string[] {
  return stack.simulator.control.addNewAlerts(count).map(({ id }) => id);
}

/** How often each alert was asked about, by the API. */
function callsFor(alertIds: readonly string[], routes: readonly string[]): number[] {
  const calls = stack.simulator.control.calls().filter(({ route }) => routes.includes(route));
  const counts = new Map<string, number>();
  for (const { alertId } of calls) {
    counts.set(alertId ?? '', (counts.get(alertId ?? '') ?? 0) + 1);
  }
  return alertIds.map((alertId) => counts.get(alertId) ?? 0);
}

async function enrichmentsOf(pipeline: Pipeline) {
  return (await pipeline.delivered()).map(({ enrichment }) => enrichment);
}

test('every alert is enriched by Graph with one call, and the row says so', async () => {
  const pipeline = await startPipeline(stack, GRAPH);
  const alertIds = newAlerts(60);
  await pipeline.submit(...alertIds);
  await pipeline.idle();
  const enrichments = await enrichmentsOf(pipeline);
  expect(enrichments.map(({ alertId }) => alertId).sort()).toEqual(alertIds.toSorted());
  expect(enrichments.every(({ outcome, source }) => outcome === 'enriched' && source.name === 'graph')).toBe(
    true,
  );
  expect(enrichments.every(({ source }) => [4, 13].includes(source.unavailable?.length ?? 0))).toBe(true);
  expect(new Set(callsFor(alertIds, ['graphAlert']))).toEqual(new Set([1]));
  expect(callsFor(alertIds, ['alertMachine', 'machine'])).toEqual(alertIds.map(() => 0));
  const row = await pipeline.row(alertIds[0] ?? '');
  expect(row?.columns).toMatchObject({
    sourceName: 'graph',
    sourceUnavailable: expect.stringContaining('managedBy'),
  });
  const secrets = secretsOf(stack);
  const text = await pipeline.everything();
  expect(secrets.filter((secret) => text.includes(secret))).toEqual([]);
});

test('both limits are kept by two hosts, and no call is refused', async () => {
  const limited = await startStack({
    simulator: {
      graphLimits: [{ calls: 20, windowMs: 5_000 }],
      huntingLimits: [{ calls: 8, windowMs: 5_000 }],
    },
  });
  onTestFinished(() => limited.stop());
  const limits = { GRAPH_RATE_LIMITS: '20/5s', HUNTING_RATE_LIMITS: '8/5s' };
  const pipeline = await startPipeline(limited, { ...GRAPH, ...limits });
  await pipeline.startHost();
  const alertIds = limited.simulator.control.addNewAlerts(30).map(({ id }) => id);
  await pipeline.submit(...alertIds);
  await waitUntil('all are done', async () => (await pipeline.delivered()).length === 30);
  const report = limited.simulator.control.report();
  expect(report.throttled).toBe(0);
  expect(report.routes.graphAlert).toEqual({ 200: 30 });
  expect(await pipeline.deadLetters()).toEqual([]);
});

describe('a fault of the call for the alert', () => {
  const thrice = (fault: FaultInput) => [fault, fault, fault];
  const cases: [what: string, answers: FaultInput[], forever: boolean, ends: object][] = [
    ['408', thrice('http-408'), false, { outcome: 'enriched', attempts: 2 }],
    ['500', thrice('http-500'), false, { outcome: 'enriched', attempts: 2 }],
    ['503', thrice('http-503'), false, { outcome: 'enriched', attempts: 2 }],
    ['504', thrice('http-504'), false, { outcome: 'enriched', attempts: 2 }],
    ['a reset', thrice('reset'), false, { outcome: 'enriched', attempts: 2 }],
    [
      'a reset in the middle of the body',
      thrice('reset-mid-body'),
      false,
      { outcome: 'enriched', attempts: 2 },
    ],
    ['JSON cut off', thrice('truncated'), false, { outcome: 'enriched', attempts: 2 }],
    ['HTML with 200', thrice('html'), false, { outcome: 'enriched', attempts: 2 }],
    ['an empty object', ['empty-object'], false, { outcome: 'enriched', attempts: 2 }],
    ['a list', ['array'], false, { outcome: 'enriched', attempts: 2 }],
    ['an error object with 200', thrice('error-object'), false, { outcome: 'enriched', attempts: 2 }],
    ['a body of 10 MB', ['huge'], false, { outcome: 'enriched', attempts: 2 }],
    ['404 that turns 200', ['not-found'], false, { outcome: 'enriched', attempts: 2 }],
    ['404 for ever', ['not-found'], true, { outcome: 'not_found', error: { code: 'not_found' } }],
    ['400', ['bad-request'], true, { outcome: 'failed', error: { code: 'source_rejected' } }],
    ['401 once', ['unauthorized'], false, { outcome: 'enriched', attempts: 1 }],
  ];

  test('ends as the failure table says, whichever it is', async () => {
    const pipeline = await startPipeline(stack, GRAPH);
    const alertIds = newAlerts(cases.length);
    cases.forEach(([, answers, forever], index) => {
      stack.simulator.control.scriptFaults({ alertId: alertIds[index] ?? '', answers, forever });
    });
    await pipeline.submit(...alertIds);
    for (const [index, [what, , , ends]] of cases.entries()) {
      const { enrichment } = await pipeline.enrichmentOf(alertIds[index] ?? '');
      expect({ what, ...enrichment }).toMatchObject({ what, ...ends });
    }
    expect((await pipeline.deadLetters()).map(({ reason }) => reason)).toEqual(['source_rejected']);
  });
});

test('a 429 pauses the calls for alerts, and counts no attempt', async () => {
  const pipeline = await startPipeline(stack, GRAPH);
  const [alertId = ''] = newAlerts(1);
  stack.simulator.control.scriptFaults({ alertId, answers: [{ kind: 'throttle-seconds', waitSeconds: 2 }] });
  await pipeline.submit(alertId);
  expect((await pipeline.enrichmentOf(alertId)).enrichment).toMatchObject({
    outcome: 'enriched',
    attempts: 1,
  });
  const [refused, served] = stack.simulator.control.calls().filter((call) => call.alertId === alertId);
  expect((served?.time ?? 0) - (refused?.time ?? 0)).toBeGreaterThanOrEqual(2_000);
});

test('a fault of hunting is waited out, whichever it is, and the call for the alert is made once', async () => {
  const faults: [what: string, answers: FaultInput[]][] = [
    ...(['http-408', 'http-500', 'http-504', 'reset', 'reset-mid-body', 'truncated', 'html'] as const).map(
      (fault): [string, FaultInput[]] => [fault, [fault, fault, fault]],
    ),
    ['an empty object', ['empty-object']],
    ['a list', ['array']],
    ['401 once', ['unauthorized']],
    ['429 with a wait', [{ kind: 'throttle-seconds', waitSeconds: 1 }]],
  ];
  // No device is known from before: each alert needs a query.
  const pipeline = await startPipeline(stack, { ...GRAPH, REUSE_FOR: '0' });
  for (const [what, answers] of faults) {
    const [alertId = ''] = newAlerts(1);
    stack.simulator.control.scriptFaults({ alertId: 'hunting', answers });
    await pipeline.submit(alertId);
    const { enrichment } = await pipeline.enrichmentOf(alertId);
    expect({ what, ...enrichment }).toMatchObject({ what, outcome: 'enriched', source: { name: 'graph' } });
    expect({ what, calls: callsFor([alertId], ['graphAlert']) }).toEqual({ what, calls: [1] });
  }
  expect(await pipeline.deadLetters()).toEqual([]);
});

test('a role that is revoked lets alerts wait and names it; once it is granted they go on', async () => {
  const pipeline = await startPipeline(stack, GRAPH);
  const roles = ['SecurityAlert.Read.All', 'ThreatHunting.Read.All'];
  stack.simulator.control.revokeRoles(roles);
  const [alertId = ''] = newAlerts(1);
  await pipeline.submit(alertId);
  const denied = await waitUntil('the alert waits', () =>
    pipeline.eventsOf(alertId).find(({ reason }) => reason === 'denied'),
  );
  expect(denied?.detail).toContain('SecurityAlert.Read.All');
  stack.simulator.control.grantRoles(roles);
  expect((await pipeline.enrichmentOf(alertId)).enrichment).toMatchObject({
    outcome: 'enriched',
    attempts: 1,
  });
});

test('a host that is killed loses nothing, and few alerts are asked about twice', async () => {
  const pipeline = await startPipeline(stack, { ...GRAPH, LOCAL_HOST_LEASE_SECONDS: '3' });
  const alertIds = newAlerts(200);
  await pipeline.submit(...alertIds);
  await waitUntil('some are done', async () => (await pipeline.delivered()).length > 20);
  await pipeline.hosts[0]?.kill();
  await pipeline.startHost();
  await pipeline.idle();
  const enrichments = await enrichmentsOf(pipeline);
  expect(new Set(enrichments.map(({ alertId }) => alertId))).toEqual(new Set(alertIds));
  expect(callsFor(alertIds, ['graphAlert']).filter((calls) => calls > 1).length).toBeLessThanOrEqual(
    IN_FLIGHT,
  );
  expect(await pipeline.deadLetters()).toEqual([]);
});

test('in the middle of 500 alerts the setting moves them to Graph: none is lost or asked about by both', async () => {
  // So slow that many are left when the setting changes, however busy the machine is.
  const pipeline = await startPipeline(stack, { DEFENDER_RATE_LIMITS: '60/1s' });
  const alertIds = newAlerts(500);
  await pipeline.submit(...alertIds);
  await waitUntil('some are done', async () => (await pipeline.delivered()).length > 100);
  await pipeline.hosts[0]?.stop();
  await pipeline.startHost({ settings: GRAPH });
  await pipeline.idle();
  const enrichments = await enrichmentsOf(pipeline);
  expect(enrichments.map(({ alertId }) => alertId).sort()).toEqual(alertIds.toSorted());
  const names = new Set(enrichments.map(({ source }) => source.name));
  expect(names).toEqual(new Set(['defender', 'graph']));
  const both = stack.simulator.control
    .calls()
    .filter(({ route, alertId }) => route !== 'hunting' && alertIds.includes(alertId ?? ''));
  expect(both).toHaveLength(alertIds.length);
});

test('nothing needs the Defender API: new alerts are found and enriched by Graph alone', async () => {
  const alone = await startStack({ simulator: { alerts: 0 } });
  onTestFinished(() => alone.stop());
  const { control } = alone.simulator;
  control.retireDefender(410);
  const pipeline = await startPipeline(alone, { ...GRAPH, ALERT_POLL_SCHEDULE: '* * * * * *' });
  await waitUntil('the first pass', () =>
    pipeline.hosts.some(({ output }) => output.some((line) => line.includes('"event":"poll"'))),
  );
  const alertIds = control.addNewAlerts(20).map(({ id }) => id);
  await waitUntil('all are enriched', async () => (await pipeline.delivered()).length >= alertIds.length);
  const enrichments = await enrichmentsOf(pipeline);
  // Graph knows an alert by an ID with a prefix, which Defender may leave out.
  const bare = (alertId: string) => alertId.replace(/^da(?=[\da-f]{8}-)/, '');
  expect(enrichments.map(({ alertId }) => bare(alertId)).toSorted()).toEqual(alertIds.map(bare).toSorted());
  expect(new Set(enrichments.map(({ outcome }) => outcome))).toEqual(new Set(['enriched']));
  const routes = new Set(control.calls().map(({ route }) => route));
  expect(routes).toEqual(new Set(['graphAlerts', 'graphAlert', 'hunting']));
});

describe('auto', () => {
  test('moves over when Defender is gone under load, loses nothing, and moves back', async () => {
    const pipeline = await startPipeline(stack, { ENRICHMENT_SOURCE: 'auto' });
    const before = newAlerts(60);
    await pipeline.submit(...before);
    await pipeline.idle();
    stack.simulator.control.retireDefender(410);
    onTestFinished(() => stack.simulator.control.retireDefender(null));
    const after = newAlerts(120);
    await pipeline.submit(...after);
    await waitUntil('all are done', async () => (await pipeline.delivered()).length === 180);
    const enrichments = await enrichmentsOf(pipeline);
    const sourceOf = new Map(enrichments.map(({ alertId, source }) => [alertId, source.name]));
    expect(new Set(before.map((alertId) => sourceOf.get(alertId)))).toEqual(new Set(['defender']));
    expect(new Set(after.map((alertId) => sourceOf.get(alertId)))).toEqual(new Set(['graph']));
    const changes = pipeline.hosts
      .flatMap(({ output }) => output)
      .filter((line) => line.includes('"event":"source"'));
    expect(changes).toHaveLength(1);
    const health = await (await fetch(`${pipeline.hosts[0]?.url}/api/health`)).json();
    expect(JSON.stringify(health)).toMatch(/graph since .*410/);
    expect(health).toMatchObject({ status: 'healthy' });

    stack.simulator.control.retireDefender(null);
    await waitUntil('Defender is asked again, once its circuit lets a probe through', async () => {
      await probeNow(pipeline);
      const [alertId = ''] = newAlerts(1);
      await pipeline.submit(alertId);
      return (await pipeline.enrichmentOf(alertId)).enrichment.source.name === 'defender';
    });
    expect(await pipeline.deadLetters()).toEqual([]);
  });

  test('stays when Defender is out of order', async () => {
    const pipeline = await startPipeline(stack, { ENRICHMENT_SOURCE: 'auto', RETRY_BASE_DELAY: '20ms' });
    const [first = '', ...others] = newAlerts(20);
    await pipeline.submit(first);
    await pipeline.enrichmentOf(first);
    stack.simulator.control.setFaultRates({ 'http-503': 1 }, ['defender']);
    onTestFinished(() => stack.simulator.control.setFaultRates({}, ['defender']));
    await pipeline.submit(...others);
    // A hundred times as long as the signs of an end must span.
    await waitUntil('all have failed several times', () =>
      others.every(
        (alertId) => pipeline.eventsOf(alertId).filter(({ reason }) => reason === 'unavailable').length > 5,
      ),
    );
    stack.simulator.control.setFaultRates({}, ['defender']);
    await pipeline.idle();
    const names = (await enrichmentsOf(pipeline)).map(({ source }) => source.name);
    expect(new Set(names)).toEqual(new Set(['defender']));
  });
});

/** The time of the next probe, which is an hour away, comes at once. */
async function probeNow({ settings }: Pipeline): Promise<void> {
  const table = TableClient.fromConnectionString(stack.azurite.connectionString, settings.STATE_TABLE ?? '', {
    allowInsecureConnection: true,
  });
  const row = await table.getEntity<{ state: string }>('source', 'state');
  const state = { ...JSON.parse(row.state), nextProbeAt: new Date(0).toISOString() };
  await table.updateEntity(
    { partitionKey: 'source', rowKey: 'state', state: JSON.stringify(state) },
    'Merge',
  );
}
