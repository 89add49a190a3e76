import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { highestInAnyWindow } from '#dev/simulator/callLog.ts';
import { type Stack, startStack } from '#dev/stack/stack.ts';
import { type Pipeline, startPipeline } from '../support/pipelineHarness.ts';

const LIMIT = { calls: 30, windowMs: 10_000 };
const ALERTS = 75;
/** The storage service refuses requests of whoever is further off than a quarter of an hour. */
const JUMP_MS = 10 * 60_000;
const JUMPS_AFTER_MS = 8_000;
const BENT_CLOCK = new URL('../../dev/stack/bentClock.ts', import.meta.url).href;

describe.each([
  ['ahead', JUMP_MS],
  ['back', -JUMP_MS],
])("when a host's clock jumps %s in the middle of its work", (_direction, aheadMs) => {
  let stack: Stack;
  let pipeline: Pipeline;
  let alertIds: string[];

  beforeAll(async () => {
    stack = await startStack({ simulator: { limits: [LIMIT] } });
    pipeline = await startPipeline(stack, { DEFENDER_RATE_LIMITS: '30/10s' });
    await pipeline.startHost({
      nodeOptions: ['--import', BENT_CLOCK],
      settings: {
        BENT_CLOCK_AHEAD_MS: String(aheadMs),
        BENT_CLOCK_JUMPS_AFTER_MS: String(JUMPS_AFTER_MS),
      },
    });
    alertIds = stack.simulator.control.addNewAlerts(ALERTS).map((alert) => alert.id);
    await pipeline.submit(...alertIds);
    await pipeline.idle();
  });
  afterAll(() => stack.stop());

  test('no limit is broken and no call refused', () => {
    const { control } = stack.simulator;
    expect(control.report()).toMatchObject({ calls: ALERTS, throttled: 0 });
    expect(highestInAnyWindow(control.calls(), LIMIT.windowMs)).toBeLessThanOrEqual(LIMIT.calls);
  });

  test('every alert is enriched once, and none comes back again and again or waits for the clock', async () => {
    const delivered = (await pipeline.delivered()).map(({ enrichment }) => enrichment);
    expect(delivered.map(({ alertId }) => alertId).toSorted()).toEqual(alertIds.toSorted());
    expect(new Set(delivered.map(({ outcome }) => outcome))).toEqual(new Set(['enriched']));
    const deferrals = alertIds.map(
      (alertId) => pipeline.eventsOf(alertId).filter(({ result }) => result === 'deferred').length,
    );
    expect(Math.max(...deferrals)).toBeLessThanOrEqual(20);
  });

  test('the host went on, with the wrong clock', () => {
    const bent = pipeline.hosts[1]?.output ?? [];
    const times = bent.flatMap((line) => /^\d{4}\S+Z/.exec(line)?.[0] ?? []).map((time) => Date.parse(time));
    const jumps = times.slice(1).map((time, index) => time - (times[index] ?? 0));
    expect(jumps.filter((jump) => Math.abs(jump - aheadMs) < 30_000)).toHaveLength(1);
    expect(bent.filter((line) => line.includes('"result":"enriched"')).length).toBeGreaterThan(0);
  });
});
