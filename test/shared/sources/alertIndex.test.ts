import { describe, expect, test } from 'vitest';
import { createAlertIndex } from '#shared/sources/alertIndex.ts';
import type { AlertList, AlertLists, Listing, Wanted } from '#shared/sources/alertList.ts';

const start = Date.parse('2026-11-26T12:00:00Z');
const at = (seconds: number) => new Date(start + seconds * 1_000);
const { signal } = new AbortController();

/** An index before lists that a test sets. */
function createWorld() {
  const state = {
    time: start,
    devices: { a: 'm1', b: 'm2' } as Record<string, string | undefined>,
    listing: undefined as Listing | undefined,
    error: undefined as Error | undefined,
  };
  const asked: Wanted[] = [];
  const lists: AlertLists = {
    async list(wanted, take) {
      asked.push({ ...wanted });
      if (state.error !== undefined) {
        throw state.error;
      }
      const alerts = Object.entries(state.devices).map(([alertId, machineId]) => ({ alertId, machineId }));
      take({ listedAt: new Date(state.time), alerts });
      const list: AlertList = { id: 'l', from: at(-4_500), until: new Date(state.time), parts: 1 };
      return state.listing ?? { kind: 'listed', list };
    },
  };
  const index = createAlertIndex(lists, () => new Date(state.time));
  const find = async (alertId: string, seconds = 0) =>
    (await index.find(alertId, at(seconds), signal))?.part.machineId;
  /** So many alerts that no list has, at the same time. */
  const findMany = (count: number, seconds = 0) =>
    Promise.all(Array.from({ length: count }, (_, number) => find(`x-${number}`, seconds)));
  return { state, asked, index, find, findMany };
}

describe('an index of alerts', () => {
  test('has one list made for eight alerts or more, and none for fewer', async () => {
    const { find, findMany, asked } = createWorld();
    expect(await findMany(7)).toEqual(Array(7).fill(undefined));
    expect(asked).toEqual([]);
    expect(await Promise.all([find('a', -60), find('b'), findMany(6)])).toMatchObject(['m1', 'm2', {}]);
    expect(asked).toEqual([{ earliest: start - 60_000, latest: start }]);
    // It covers the unknown ones too: nobody waits for them any more.
    expect(await findMany(20)).toEqual(Array(20).fill(undefined));
    expect(asked).toHaveLength(1);
  });

  test('has the next one made for alerts that came after it', async () => {
    const { find, findMany, asked, state } = createWorld();
    await findMany(8);
    state.time += 300_000;
    state.devices = { c: 'm3' };
    expect(await Promise.all([find('c', 290), findMany(7, 290)])).toMatchObject(['m3', {}]);
    expect(asked).toHaveLength(2);
    expect(await find('c', 290)).toBe('m3');
  });

  test('waits for none that cannot be had, until the time that was told', async () => {
    const { find, findMany, asked, state } = createWorld();
    state.listing = { kind: 'resting', until: at(30) };
    await findMany(8);
    // What it told before it broke off is of use.
    expect(await find('a')).toBe('m1');
    state.time += 29_999;
    await findMany(8);
    expect(asked).toHaveLength(1);
    state.time += 1;
    state.listing = { kind: 'resting', until: at(60) };
    await findMany(8);
    expect(asked).toHaveLength(2);
  });

  test('tells an error of our own storage to all who wait, and has a list made for the next ones', async () => {
    const { findMany, find, state } = createWorld();
    state.error = new Error('storage is down');
    const outcomes = await Promise.allSettled(Array.from({ length: 8 }, (_, number) => find(`x-${number}`)));
    expect(outcomes.map(({ status }) => status)).toEqual(Array(8).fill('rejected'));
    state.error = undefined;
    await findMany(8);
    expect(await find('a')).toBe('m1');
  });

  test('knows no device of an alert about which two lists contradict each other', async () => {
    const { index, findMany, state } = createWorld();
    await findMany(8);
    expect(index.known('a')).toMatchObject({ part: { alertId: 'a', machineId: 'm1' }, retrievedAt: at(0) });
    state.time += 300_000;
    state.devices = { a: 'm2', b: 'm2' };
    await findMany(8, 290);
    expect(index.known('a')?.part.machineId).toBeUndefined();
    expect(index.known('b')?.part.machineId).toBe('m2');
    expect([...index.deviceIds()]).toEqual(['m2']);
  });

  test('knows the device that an alert is given later, and trusts no list again once two contradict', async () => {
    const { index, findMany, state } = createWorld();
    const devicesOf = async (devices: typeof state.devices, round: number) => {
      state.time += 300_000;
      state.devices = devices;
      await findMany(8, round * 300 - 10);
      return [index.known('a')?.part.machineId, index.known('b')?.part.machineId];
    };
    state.devices = { a: undefined, b: 'm1' };
    await findMany(8);
    expect(await devicesOf({ a: 'm1', b: 'm1' }, 1)).toEqual(['m1', 'm1']);
    expect(await devicesOf({ a: 'm1', b: 'm2' }, 2)).toEqual(['m1', undefined]);
    expect(await devicesOf({ a: 'm1', b: 'm2' }, 3)).toEqual(['m1', undefined]);
  });

  test('forgets what it heard half a day ago', async () => {
    const { index, findMany, state } = createWorld();
    await findMany(8);
    state.time += 13 * 3_600_000;
    state.devices = { b: 'm2' };
    await findMany(8, 13 * 3_600);
    expect([index.known('a'), index.known('b')?.part.machineId]).toEqual([undefined, 'm2']);
  });

  test('waits for no list beyond the end of its run', async () => {
    const goOn = Promise.withResolvers<Listing>();
    const index = createAlertIndex({ list: () => goOn.promise }, () => at(0));
    const run = new AbortController();
    const waits = Array.from({ length: 8 }, (_, number) => index.find(`x-${number}`, at(0), run.signal));
    run.abort();
    expect(await Promise.all(waits)).toEqual(Array(8).fill(undefined));
    goOn.resolve({ kind: 'resting', until: at(60) });
  });
});
