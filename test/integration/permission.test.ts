import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { SimulatorControl } from '#dev/simulator/control.ts';
import { type Stack, startStack } from '#dev/stack/stack.ts';
import { type Pipeline, startPipeline } from '../support/pipelineHarness.ts';
import { secretsOf } from '../support/secrets.ts';
import { waitUntil } from '../support/waitUntil.ts';

const ROLE = 'Machine.Read.All';
let stack: Stack;
let control: SimulatorControl;
const pipelines: Pipeline[] = [];

beforeAll(async () => {
  stack = await startStack({ simulator: { limits: [{ calls: 10_000, windowMs: 1_000 }] } });
  control = stack.simulator.control;
});
afterEach(() => control.reset());
afterAll(() => stack.stop());

/** A host of its own for each test: a process that has no token yet. */
async function start(): Promise<Pipeline> {
  const pipeline = await startPipeline(stack);
  pipelines.push(pipeline);
  return pipeline;
}

function newAlerts(count: number): string[] {
  return control.addNewAlerts(count).map((alert) => alert.id);
}

const refusals: {
  what: string;
  refuse: () => void;
  heal: () => void;
  /** What the log tells the operator. */
  advice: RegExp;
}[] = [
  {
    what: 'the role is missing (403)',
    refuse: () => control.revokeRoles([ROLE]),
    heal: () => control.grantRoles([ROLE]),
    advice: /403 Forbidden.*Grant the app's identity the application role Machine\.Read\.All/,
  },
  {
    what: 'tokens are for another audience (403)',
    refuse: () => control.setIdentity({ mode: 'wrong-audience' }),
    heal: () => control.setIdentity({ mode: 'normal' }),
    advice: /audience of the bearer token.*check DEFENDER_TOKEN_SCOPE/,
  },
  {
    what: 'the identity endpoint gives no token',
    refuse: () => control.setIdentity({ mode: 'outage' }),
    heal: () => control.setIdentity({ mode: 'normal' }),
    advice: /No token for the Defender API.*AZURE_CLIENT_ID/,
  },
  {
    what: 'every token is refused (401)',
    refuse: () => control.setFaultRates({ unauthorized: 1 }),
    heal: () => control.setFaultRates({}),
    advice: /401 Unauthorized.*Check DEFENDER_TOKEN_SCOPE/,
  },
];

describe.each(refusals)('while $what', ({ refuse, heal, advice }) => {
  test('alerts wait, one probe at a time, and all drain without a restart once that is mended', async () => {
    refuse();
    const pipeline = await start();
    const first = newAlerts(10);
    await pipeline.submit(...first);
    await waitUntil('an alert is put back', () => denialsOf(pipeline, first).length > 0);

    const second = newAlerts(20);
    await pipeline.submit(...second);
    await waitUntil(
      'all of the second wave are put back',
      () => new Set(denialsOf(pipeline, second).map((event) => event.alertId)).size === second.length,
    );
    const probes = control.calls().filter((call) => second.includes(call.alertId ?? ''));
    expect(probes.length).toBeLessThan(10);
    expect(denialsOf(pipeline, second).map((event) => event.detail)).toContainEqual(
      expect.stringMatching(advice),
    );
    expect(await pipeline.delivered()).toEqual([]);
    // What is being put back is in the queue twice for a moment.
    await waitUntil('all are in the queue', async () => (await pipeline.waiting()) === 30);

    heal();
    const all = [...first, ...second];
    await pipeline.idle();
    const delivered = (await pipeline.delivered()).map(({ enrichment }) => enrichment);
    expect(delivered.map(({ alertId }) => alertId).toSorted()).toEqual(all.toSorted());
    expect(new Set(delivered.map(({ outcome, attempts }) => `${outcome} in ${attempts}`))).toEqual(
      new Set(['enriched in 1']),
    );
    expect([await pipeline.deadLetters(), await pipeline.poisoned()]).toEqual([[], []]);
    expect(pipeline.hosts).toHaveLength(1);
  });
});

function denialsOf(pipeline: Pipeline, alertIds: string[]) {
  return alertIds.flatMap((alertId) =>
    pipeline.eventsOf(alertId).filter((event) => event.reason === 'denied'),
  );
}

test('a 401 that does not come again costs one fresh token, and nothing waits', async () => {
  const pipeline = await start();
  const [warmUp = '', alertId = ''] = newAlerts(2);
  await pipeline.submit(warmUp);
  await pipeline.enrichmentOf(warmUp);
  const tokensBefore = control.issuedTokens().length;
  control.scriptFaults({ alertId, answers: ['unauthorized'] });
  await pipeline.submit(alertId);
  expect((await pipeline.enrichmentOf(alertId)).enrichment).toMatchObject({
    outcome: 'enriched',
    attempts: 1,
  });
  expect(control.issuedTokens()).toHaveLength(tokensBefore + 1);
  expect(denialsOf(pipeline, [alertId])).toEqual([]);
});

test('a slow identity endpoint is asked once for all alerts that wait for the token', async () => {
  control.setIdentity({ delayMs: 2_000 });
  const tokensBefore = control.issuedTokens().length;
  const pipeline = await start();
  const alertIds = newAlerts(12);
  await pipeline.submit(...alertIds);
  await pipeline.idle();
  const delivered = await pipeline.delivered();
  expect(delivered.map(({ enrichment }) => enrichment.outcome)).toEqual(alertIds.map(() => 'enriched'));
  expect(control.issuedTokens()).toHaveLength(tokensBefore + 1);
});

test('no token and no key is in any log, row or message', async () => {
  const texts = await Promise.all(pipelines.map((pipeline) => pipeline.everything()));
  const text = texts.join('\n');
  expect(secretsOf(stack).filter((secret) => text.includes(secret))).toEqual([]);
});
