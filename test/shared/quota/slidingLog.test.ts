import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { RateLimit } from '#shared/config/rateLimits.ts';
import { callsInWindow, nextSlot, nextSlots, trimLog } from '#shared/quota/slidingLog.ts';

const limit = fc.record({
  calls: fc.integer({ min: 1, max: 30 }),
  windowMs: fc.integer({ min: 10, max: 5_000 }),
});
const limits = fc.array(limit, { minLength: 1, maxLength: 4 });
/** Gaps between requests for a slot, many of them none. */
const arrivals = fc.array(fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 2_000 })), { maxLength: 200 });

/** The most calls that any window of this length holds, wherever it begins. */
function fullestWindow(log: readonly number[], windowMs: number): number {
  return Math.max(
    0,
    ...log.map((start) => log.filter((time) => time >= start && time < start + windowMs).length),
  );
}

function reserveAll(rules: readonly RateLimit[], gaps: readonly number[]): number[] {
  let now = 1_000_000;
  const log: number[] = [];
  for (const gap of gaps) {
    now += gap;
    log.push(nextSlot(log, rules, now));
  }
  return log;
}

describe('the sliding log', () => {
  test('never lets a window of any limit hold more than its calls', () => {
    fc.assert(
      fc.property(limits, arrivals, (rules, gaps) => {
        const log = reserveAll(rules, gaps);
        for (const { calls, windowMs } of rules) {
          expect(fullestWindow(log, windowMs)).toBeLessThanOrEqual(calls);
        }
      }),
    );
  });

  test('gives the earliest time that keeps the order and every limit with its margin', () => {
    fc.assert(
      fc.property(limits, arrivals, fc.integer({ min: 0, max: 5_000 }), (rules, gaps, later) => {
        const log = reserveAll(rules, gaps);
        const now = (log.at(-1) ?? 1_000_000) + later - 2_500;
        const slot = nextSlot(log, rules, now);
        expect(slot).toBeGreaterThanOrEqual(now);
        if (slot > now && slot > (log.at(-1) ?? 0)) {
          // One millisecond earlier, some limit with its margin would be broken.
          const earlier = slot - 1;
          const isFull = rules.some(({ calls, windowMs }) => {
            const first = log[log.length - calls];
            return first !== undefined && first + windowMs * 1.01 > earlier;
          });
          expect(isFull).toBe(true);
        }
      }),
    );
  });

  test('forecasts the same slots that are given out one by one', () => {
    fc.assert(
      fc.property(limits, arrivals, fc.integer({ min: 0, max: 50 }), (rules, gaps, count) => {
        const log = reserveAll(rules, gaps);
        const now = log.at(-1) ?? 0;
        const oneByOne = [...log];
        for (let taken = 0; taken < count; taken += 1) {
          oneByOne.push(nextSlot(oneByOne, rules, now));
        }
        expect(nextSlots(log, rules, now, count)).toEqual(oneByOne.slice(log.length));
      }),
    );
  });

  test('loses nothing that counts when it is trimmed, and stays bounded', () => {
    fc.assert(
      fc.property(limits, arrivals, fc.integer({ min: 0, max: 6_000 }), (rules, gaps, later) => {
        const log = reserveAll(rules, gaps);
        const now = (log.at(-1) ?? 0) + later;
        const trimmed = trimLog(log, rules, now);
        expect(nextSlot(trimmed, rules, now)).toBe(nextSlot(log, rules, now));
        // No more than each limit admits into the longest stretch that is kept.
        const longest = Math.max(...rules.map(({ windowMs }) => windowMs)) * 1.01;
        const most = Math.min(
          ...rules.map(({ calls, windowMs }) => calls * (Math.ceil(longest / windowMs) + 1)),
        );
        expect(trimmed.length).toBeLessThanOrEqual(most);
      }),
    );
  });

  test('counts what a window that ends now has spent', () => {
    expect(callsInWindow([1_000, 2_000, 3_000, 9_000], 2_000, 4_000)).toBe(2);
    expect(callsInWindow([], 2_000, 4_000)).toBe(0);
  });
});
