import { expect, test } from 'vitest';
import type { SharedList } from '#shared/sources/alertList.ts';
import { countingBulk } from '#shared/sources/bulkActivity.ts';
import type { Source, SourceAnswer } from '#shared/sources/source.ts';

const start = Date.parse('2026-11-26T12:00:00Z');

test('answers by lists are counted for a minute, and others are not', async () => {
  let time = start;
  const shared: SharedList = { kind: 'idle', list: undefined };
  const found = {
    kind: 'found',
    source: 'defender',
    machine: { id: 'm' },
    retrievedAt: new Date(start),
  } as const;
  const source: Source = {
    name: 'defender',
    async find({ alertId }): Promise<SourceAnswer> {
      return { ...found, unavailable: [], ...(alertId === 'listed' && { bulk: true as const }) };
    },
  };
  const { source: counted, activity } = countingBulk(
    source,
    async () => shared,
    () => new Date(time),
  );
  const reference = { inLine: false, isReturning: false, refresh: false, firstSeen: new Date(start) };
  const { signal } = new AbortController();
  for (const alertId of ['listed', 'single', 'listed']) {
    expect(await counted.find({ alertId, ...reference }, signal)).toMatchObject(found);
    time += 25_000;
  }
  expect(counted.name).toBe('defender');
  expect(await activity.lastListAt()).toBeUndefined();
  time = start + 55_000;
  expect(activity.answersInLastMinute()).toBe(2);
  time = start + 75_000;
  expect(activity.answersInLastMinute()).toBe(1);
  time += 60_000;
  expect(activity.answersInLastMinute()).toBe(0);
});
