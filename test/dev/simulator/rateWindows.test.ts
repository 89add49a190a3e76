import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type CallRecord, highestInAnyWindow } from '#dev/simulator/callLog.ts';
import { createNeighbour } from '#dev/simulator/neighbour.ts';
import { createQuota } from '#dev/simulator/quota.ts';
import { seededRandom } from '#dev/simulator/random.ts';
import { createRateWindows, type RateLimit } from '#dev/simulator/rateWindows.ts';

const limitsArbitrary = fc.array(
  fc.record({ calls: fc.integer({ min: 1, max: 8 }), windowMs: fc.integer({ min: 1, max: 300 }) }),
  { minLength: 1, maxLength: 3 },
);
const gapsArbitrary = fc.array(fc.integer({ min: 0, max: 60 }), { maxLength: 200 });

function acceptedTimes(limits: RateLimit[], kind: 'sliding' | 'fixed', gaps: number[]): number[] {
  const windows = createRateWindows(limits, kind);
  let now = 1_000_000;
  return gaps.flatMap((gap) => {
    now += gap;
    if (windows.check(now) !== undefined) {
      return [];
    }
    windows.record(now);
    return [now];
  });
}

function countedCalls(times: number[]): CallRecord[] {
  const record = {
    route: 'alertMachine',
    alertId: null,
    appId: null,
    tenantId: null,
    owners: [],
    status: 200,
    counted: true,
    fault: null,
  } as const;
  return times.map((time) => ({ time, ...record }));
}

test('No position of a sliding window ever holds more calls than its limit', () => {
  fc.assert(
    fc.property(limitsArbitrary, gapsArbitrary, (limits, gaps) => {
      const calls = countedCalls(acceptedTimes(limits, 'sliding', gaps));
      for (const limit of limits) {
        expect(highestInAnyWindow(calls, limit.windowMs)).toBeLessThanOrEqual(limit.calls);
      }
    }),
  );
});

test('No fixed window holds more calls than its limit', () => {
  fc.assert(
    fc.property(limitsArbitrary, gapsArbitrary, (limits, gaps) => {
      const times = acceptedTimes(limits, 'fixed', gaps);
      for (const { calls, windowMs } of limits) {
        const windows = Map.groupBy(times, (time) => Math.floor(time / windowMs));
        expect(Math.max(0, ...[...windows.values()].map((group) => group.length))).toBeLessThanOrEqual(calls);
      }
    }),
  );
});

test.for(['sliding', 'fixed'] as const)('A %s window accepts again exactly when the refusal said', (kind) => {
  fc.assert(
    fc.property(limitsArbitrary, gapsArbitrary, (limits, gaps) => {
      const windows = createRateWindows(limits, kind);
      let now = 1_000_000;
      for (const gap of gaps) {
        now += gap;
        const refusal = windows.check(now);
        if (refusal !== undefined) {
          expect(windows.check(now + refusal.waitMs - 1)).toBeDefined();
          expect(windows.check(now + refusal.waitMs)).toBeUndefined();
        } else {
          windows.record(now);
        }
      }
    }),
  );
});

test('A fixed window lets through twice its calls around its end, where a sliding one does not', () => {
  const limits = [{ calls: 3, windowMs: 100 }];
  const gaps = [90, 0, 0, 20, 0, 0];
  expect(acceptedTimes(limits, 'fixed', gaps)).toHaveLength(6);
  expect(acceptedTimes(limits, 'sliding', gaps)).toHaveLength(3);
});

test('The audit finds the busiest window wherever it begins and leaves out calls that were not counted', () => {
  const calls = countedCalls([0, 60, 99, 100, 159, 160]);
  expect(highestInAnyWindow(calls, 100)).toBe(4);
  expect(
    highestInAnyWindow(
      calls.map((call) => ({ ...call, counted: false })),
      100,
    ),
  ).toBe(0);
});

test('A neighbour tries its share of the sustained rate at random moments', () => {
  const limits = [
    { calls: 100, windowMs: 60_000 },
    { calls: 1500, windowMs: 3_600_000 },
  ];
  const hours = 40;
  const neighbour = createNeighbour(limits, 0.5, seededRandom('neighbour'), 0);
  let calls = 0;
  for (; neighbour.due() < hours * 3_600_000; calls += 1) {
    neighbour.called();
  }
  expect(calls).toBeGreaterThan(750 * hours * 0.95);
  expect(calls).toBeLessThan(750 * hours * 1.05);
});

test.for(['sliding', 'fixed'] as const)(
  'A neighbour gets its share of %s windows beside a caller who leaves no slot unused',
  (windows) => {
    const quota = createQuota({ limits: [{ calls: 10, windowMs: 1000 }], windows, seed: '1' });
    const appId = 'app';
    quota.check(appId, 0);
    quota.setNeighbourShare(0.5, 0);
    let accepted = 0;
    for (let now = 0; now < 60_000; now += 5) {
      if (quota.check(appId, now) === undefined) {
        quota.record(appId, now);
        accepted += 1;
      }
    }
    expect(quota.neighbourCalls()).toBeGreaterThan(250);
    expect(quota.neighbourCalls()).toBeLessThan(350);
    expect(accepted + quota.neighbourCalls()).toBeLessThanOrEqual(600);
    expect(accepted + quota.neighbourCalls()).toBeGreaterThan(560);
  },
);
