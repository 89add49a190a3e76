import { expect, test } from 'vitest';
import { mean, percentile } from '#bench/support/statistics.ts';

const hundred = Array.from({ length: 100 }, (_, index) => 100 - index);

test.each([
  [0, 1],
  [0.5, 51],
  [0.95, 96],
  [1, 100],
])('the share %d of 1 to 100 lies below %d', (share, value) => {
  expect(percentile(hundred, share)).toBe(value);
});

test('of one value every percentile is that value, of none it is 0', () => {
  expect(percentile([7], 0.95)).toBe(7);
  expect(percentile([], 0.95)).toBe(0);
});

test('a percentile leaves the values in their order', () => {
  const values = [3, 1, 2];
  percentile(values, 0.5);
  expect(values).toEqual([3, 1, 2]);
});

test('the mean of nothing is 0', () => {
  expect(mean([])).toBe(0);
  expect(mean([1, 2, 6])).toBe(3);
});
