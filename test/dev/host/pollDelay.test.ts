import { expect, test } from 'vitest';
import { createPollDelay } from '#dev/host/pollDelay.ts';

test('The delay of an empty queue grows from 100 ms to the longest, stays there, and starts over', () => {
  const pollDelay = createPollDelay(2_000, () => 0.5);
  const delays = Array.from({ length: 8 }, () => Math.round(pollDelay.next()));
  expect(delays).toEqual([100, 200, 300, 500, 900, 1_700, 2_000, 2_000]);
  pollDelay.reset();
  expect(pollDelay.next()).toBe(100);
});

test('The growth is spread by a fifth to either side', () => {
  const [short, long] = [0, 1].map((random) => {
    const pollDelay = createPollDelay(60_000, () => random);
    pollDelay.next();
    return Math.round(pollDelay.next());
  });
  expect([short, long]).toEqual([180, 220]);
});
