import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { highestInAnyWindow } from '#dev/simulator/callLog.ts';
import { type Stack, startStack } from '#dev/stack/stack.ts';
import { type Pipeline, startPipeline } from '../support/pipelineHarness.ts';

// The ledger's margin for calls that arrive late shrinks with the window, but a busy machine's lateness does not:
// windows much shorter than these would measure the machine.
const limits = [
  { calls: 40, windowMs: 10_000 },
  { calls: 90, windowMs: 22_000 },
];
const settings = { DEFENDER_RATE_LIMITS: '40/10s,90/22s' };
let stack: Stack;

beforeAll(async () => {
  stack = await startStack({ simulator: { limits } });
});
afterAll(() => stack.stop());

describe('more alerts than the quota of two windows allows', () => {
  let pipeline: Pipeline;
  let alertIds: string[];

  beforeAll(async () => {
    pipeline = await startPipeline(stack, settings);
    await pipeline.startHost();
    alertIds = stack.simulator.control.addNewAlerts(100).map((alert) => alert.id);
    await pipeline.submit(...alertIds);
    await pipeline.idle();
  }, 120_000);

  test('are all enriched, each with one call and one attempt', async () => {
    const delivered = (await pipeline.delivered()).map(({ enrichment }) => enrichment);
    expect(delivered.map(({ alertId }) => alertId).toSorted()).toEqual(alertIds.toSorted());
    expect(new Set(delivered.map(({ outcome, attempts }) => `${outcome} in ${attempts}`))).toEqual(
      new Set(['enriched in 1']),
    );
    expect(stack.simulator.control.report()).toMatchObject({ calls: 100, counted: 100 });
  });

  test('meet no 429: two hosts together keep within both windows', () => {
    const { control } = stack.simulator;
    expect(control.report().throttled).toBe(0);
    for (const { calls, windowMs } of limits) {
      expect(highestInAnyWindow(control.calls(), windowMs)).toBeLessThanOrEqual(calls);
    }
  });

  test('wait in the queue for their slot, not in a worker', () => {
    const waits = alertIds.flatMap((alertId) => pipeline.eventsOf(alertId));
    expect(waits.filter((event) => event.reason === 'quota').length).toBeGreaterThan(20);
    const durations = waits.map((event) => Number(event.durationMs)).toSorted((left, right) => left - right);
    expect(durations[Math.floor(durations.length / 2)]).toBeLessThan(5_000);
  });
});
