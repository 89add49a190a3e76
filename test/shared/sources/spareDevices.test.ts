import { expect, test } from 'vitest';
import { createSpareDevices } from '#shared/sources/spareDevices.ts';

const now = new Date('2026-11-26T12:00:00Z');
const devices = Array.from({ length: 20 }, (_, number) => `d${number}`);

function spareOf(kept: string[], random: () => number, reuseForMs = 900_000) {
  const since: Date[] = [];
  const spare = createSpareDevices({
    deviceIds: () => [...devices, ...devices],
    keptSince: async (time) => {
      since.push(time);
      return kept;
    },
    reuseForMs,
    now: () => now,
    random,
  });
  return { spare, since };
}

test('devices for a call with room are others than those asked about and those kept, each once', async () => {
  const { spare, since } = spareOf(devices.slice(0, 10), Math.random);
  const taken = await spare(new Set(['d10', 'd11']), 30);
  expect(taken.toSorted()).toEqual(devices.slice(12).toSorted());
  expect(since).toEqual([new Date(now.getTime() - 900_000)]);
  expect(await spare(new Set(), 3)).toHaveLength(3);
});

test('two instances seldom take the same', async () => {
  const [first, last] = [spareOf([], () => 0), spareOf([], () => 0.999)];
  const taken = [...(await first.spare(new Set(), 5)), ...(await last.spare(new Set(), 5))];
  expect(new Set(taken).size).toBe(10);
});

test('there are none where no device serves another alert', async () => {
  expect(await spareOf([], Math.random, 0).spare(new Set(), 30)).toEqual([]);
});
