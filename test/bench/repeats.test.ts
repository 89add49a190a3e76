import { expect, test } from 'vitest';
import { withRepeats } from '#bench/support/repeats.ts';
import { seededRandom } from '#dev/simulator/random.ts';

const alertIds = Array.from({ length: 40 }, (_, index) => `alert${index}`);

test.each([40, 57, 400])(
  'a stream of %d submissions has each of 40 alerts, a repeat after the first',
  (total) => {
    const stream = withRepeats(alertIds, total, seededRandom('test', total));
    expect(stream).toHaveLength(total);
    // A set keeps the order in which each was first seen.
    expect([...new Set(stream)]).toEqual(alertIds);
  },
);

test('repeats are spread over the stream, and the same for the same seed', () => {
  const stream = withRepeats(alertIds, 400, seededRandom('test'));
  expect(withRepeats(alertIds, 400, seededRandom('test'))).toEqual(stream);
  const distinctInFirstHalf = new Set(stream.slice(0, 200)).size;
  expect(distinctInFirstHalf).toBeGreaterThan(10);
  expect(distinctInFirstHalf).toBeLessThan(30);
});
