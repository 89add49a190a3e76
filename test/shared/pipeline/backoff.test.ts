import fc from 'fast-check';
import { expect, test } from 'vitest';
import { backoffMs } from '#shared/pipeline/decision.ts';

const QUARTER_HOUR_MS = 900_000;
const almostOne = () => 1 - Number.EPSILON;

test('the longest delay doubles with each attempt, up to a quarter of an hour', () => {
  const longest = [0, 1, 2, 3, 7, 8, 5_000].map((attempts) =>
    Math.round(backoffMs(5_000, attempts, almostOne)),
  );
  expect(longest).toEqual([5_000, 10_000, 20_000, 40_000, 640_000, QUARTER_HOUR_MS, QUARTER_HOUR_MS]);
});

test('any part of the delay is as likely as another', () => {
  expect([0, 0.25, 0.5].map((part) => backoffMs(5_000, 1, () => part))).toEqual([0, 2_500, 5_000]);
});

test('no delay is negative, endless or above the cap', () => {
  const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: QUARTER_HOUR_MS }), fc.nat(), random, (base, attempts, part) => {
      const delay = backoffMs(base, attempts, () => part);
      expect(delay).toBeGreaterThanOrEqual(0);
      expect(delay).toBeLessThanOrEqual(QUARTER_HOUR_MS);
    }),
  );
});
