import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fitLine, type Point, quantileOfT } from '#bench/support/regression.ts';
import { seededRandom } from '#dev/simulator/random.ts';

function pointsOf(values: readonly number[]): Point[] {
  return values.map((y, x) => ({ x, y }));
}

test('points on a line give that line, and no doubt about it', () => {
  const number = fc.integer({ min: -1_000, max: 1_000 });
  fc.assert(
    fc.property(number, number, fc.integer({ min: 3, max: 100 }), (slope, intercept, count) => {
      const line = fitLine(pointsOf(Array.from({ length: count }, (_, x) => intercept + slope * x)));
      expect(line.slope).toBeCloseTo(slope, 6);
      expect(line.intercept).toBeCloseTo(intercept, 6);
      expect(line.slopeRange.lowest).toBeCloseTo(slope, 6);
      expect(line.slopeRange.highest).toBeCloseTo(slope, 6);
    }),
  );
});

test('the range is that of the textbook where points scatter independently', () => {
  // Residuals -0.2, 0.4, 0, -0.4, 0.2 about y = x: error sqrt(0.4 / 3 / 10), t 3.1824.
  const { slope, slopeRange } = fitLine(pointsOf([-0.2, 1.4, 2, 2.6, 4.2]));
  expect(slope).toBeCloseTo(1, 9);
  expect(slopeRange.highest).toBeCloseTo(1 + 3.1824 * Math.sqrt(0.4 / 3 / 10), 2);
  expect(slopeRange.lowest).toBeCloseTo(1 - 3.1824 * Math.sqrt(0.4 / 3 / 10), 2);
});

test.each([
  ['level', 0],
  ['rising', 0.3],
])(
  'of 200 %s series that scatter like memory, the range holds the true slope in seven of eight',
  (name, trend) => {
    const random = seededRandom('1', name);
    let held = 0;
    for (let series = 0; series < 200; series += 1) {
      let drift = 0;
      const values = Array.from({ length: 60 }, (_, x) => {
        // Each deviation keeps half of the one before.
        drift = drift / 2 + random() - 0.5;
        return trend * x + drift;
      });
      const { lowest, highest } = fitLine(pointsOf(values)).slopeRange;
      if (lowest <= trend && trend <= highest) {
        held += 1;
      }
    }
    expect(held).toBeGreaterThan(175);
  },
);

test.each([
  ['two points', [1, 2]],
  ['none', []],
])('%s are too few', (_, values) => {
  expect(() => fitLine(pointsOf(values))).toThrow(/three points/);
});

test('points at one place have no slope', () => {
  const points = [1, 2, 3].map((y) => ({ x: 7, y }));
  expect(() => fitLine(points)).toThrow(/one x/);
});

describe('the quantile of t', () => {
  test.each([
    [1, 12.706],
    [2, 4.303],
    [3, 3.182],
    [5, 2.571],
    [10, 2.228],
    [30, 2.042],
    [1_000, 1.962],
  ])('for %i degrees of freedom is %f', (degrees, quantile) => {
    expect(Math.abs(quantileOfT(degrees) / quantile - 1)).toBeLessThan(0.01);
  });
});
