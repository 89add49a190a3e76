import { describe, expect, test } from 'vitest';
import { createAlertIndex, createCrowd } from '#shared/sources/alertIndex.ts';
import type { AlertFeed, ListedAlert, ListingEnd } from '#shared/sources/source.ts';

const start = Date.parse('2026-11-26T12:00:00Z');

function listed(alertId: string, machineId = 'm'): ListedAlert {
  return {
    alertId,
    machineId,
    tenantId: undefined,
    severity: undefined,
    status: undefined,
    detectionSource: undefined,
    updatedAt: undefined,
  };
}

/** An index on a list whose alerts a test sets, with the times that listings began at. */
function createWorld() {
  const state = { alerts: ['a', 'b'], end: { kind: 'complete' } as ListingEnd, time: start };
  const since: number[] = [];
  const feed: AlertFeed = {
    async listUpdatedSince(from, take) {
      since.push((from.getTime() - start) / 1_000);
      await take({ alerts: state.alerts.map((alertId) => listed(alertId)), invalid: 0 });
      return { end: state.end, calls: 1 };
    },
  };
  const index = createAlertIndex(feed, () => new Date(state.time));
  const find = async (alertId: string, secondsLater = 0) =>
    (await index.find(alertId, new Date(start + secondsLater * 1_000), new AbortController().signal))
      ?.alertId;
  return { state, since, find };
}

describe('an index of alerts', () => {
  test('lists once for all who ask, from an hour before the first of them', async () => {
    const { find, since } = createWorld();
    expect(await Promise.all(['a', 'b', 'x', 'a'].map((id) => find(id)))).toEqual(['a', 'b', undefined, 'a']);
    expect(since).toEqual([-3_600]);
    expect(await find('x')).toBeUndefined();
    expect(since).toHaveLength(1);
  });

  test('lists on from the last end, and a little before, for an alert that came later', async () => {
    const { find, since, state } = createWorld();
    await find('a');
    state.time += 300_000;
    state.alerts = ['c'];
    // A few that no list has are not worth one.
    expect(await Promise.all(['c', 'd', 'e'].map((id) => find(id, 290)))).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
    expect(await Promise.all(['c', 'd', 'e', 'f', 'c'].map((id) => find(id, 290)))).toContain('c');
    expect(since).toEqual([-3_600, -120]);
    expect(await find('a', 290)).toBe('a');
  });

  test('lists anew for an alert from before what is covered', async () => {
    const { find, since } = createWorld();
    await find('a');
    await Promise.all(Array.from({ length: 8 }, (_, index) => find(`old-${index}`, -600)));
    expect(since).toEqual([-3_600, -4_200]);
  });

  test.each([
    ['throttled', 30],
    ['forbidden', 600],
  ] as const)('asks for no list for a while after one that was %s', async (kind, seconds) => {
    const { find, since, state } = createWorld();
    state.alerts = [];
    state.end = { kind, detail: 'no' };
    expect(await find('a')).toBeUndefined();
    state.time += (seconds - 1) * 1_000;
    await find('a');
    expect(since).toHaveLength(1);
    state.time += 1_000;
    await find('a');
    expect(since).toHaveLength(2);
  });

  test('keeps what a list told before it broke off', async () => {
    const { find, state } = createWorld();
    state.end = { kind: 'throttled', detail: 'no slot' };
    expect(await find('a')).toBe('a');
    expect(await find('b')).toBe('b');
  });

  test('tells an error of our own storage to those who wait, and lists again', async () => {
    let fails = true;
    const feed: AlertFeed = {
      async listUpdatedSince(_since, take) {
        if (fails) {
          throw new Error('storage is down');
        }
        await take({ alerts: [listed('a')], invalid: 0 });
        return { end: { kind: 'complete' }, calls: 1 };
      },
    };
    const index = createAlertIndex(feed, () => new Date(start));
    const { signal } = new AbortController();
    await expect(index.find('a', new Date(start), signal)).rejects.toThrow('storage is down');
    fails = false;
    expect(await index.find('a', new Date(start), signal)).toMatchObject({ alertId: 'a' });
  });
});

test('look-ups are many from eight at the same time on, and for a minute after', async () => {
  let time = start;
  const crowd = createCrowd(() => new Date(time));
  const gates = Array.from({ length: 8 }, () => Promise.withResolvers<void>());
  const runs: Promise<void>[] = [];
  for (const [index, { promise }] of gates.entries()) {
    expect(crowd.isMany()).toBe(false);
    runs.push(crowd.join(() => promise));
    expect(crowd.isMany()).toBe(index === 7);
  }
  for (const { resolve } of gates) {
    resolve();
  }
  await Promise.all(runs);
  time += 59_999;
  expect(crowd.isMany()).toBe(true);
  time += 1;
  expect(crowd.isMany()).toBe(false);
});
