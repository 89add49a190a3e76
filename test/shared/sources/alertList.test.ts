import { describe, expect, test } from 'vitest';
import {
  type AlertDevice,
  type AlertList,
  type AlertListStore,
  covers,
  createAlertLists,
  type ListPart,
  nextList,
  type SharedList,
} from '#shared/sources/alertList.ts';
import type { AlertFeed, ListedAlert, ListingEnd } from '#shared/sources/source.ts';

const start = Date.parse('2026-11-26T12:00:00Z');
const at = (seconds: number) => new Date(start + seconds * 1_000);

function listed(alertId: string): ListedAlert {
  const unknown = { tenantId: undefined, severity: undefined, status: undefined, detectionSource: undefined };
  return { alertId, machineId: 'm', updatedAt: undefined, ...unknown };
}

/** The store in memory, as the table behaves. */
function memoryStore() {
  let head: SharedList = { kind: 'idle', list: undefined };
  let version = 0;
  const parts = new Map<number, ListPart & { id: string }>();
  const store: AlertListStore = {
    read: async () => ({ shared: head, etag: version === 0 ? undefined : String(version) }),
    async write(shared, etag) {
      if (etag !== (version === 0 ? undefined : String(version))) {
        return undefined;
      }
      head = shared;
      version += 1;
      return String(version);
    },
    readParts: async (id, first, end) =>
      [...parts].filter(([n, part]) => n >= first && n < end && part.id === id).map(([, part]) => part),
    async writePart(id, first, part) {
      parts.set(first, { ...part, id });
      return 1;
    },
  };
  return { store, parts, head: () => head };
}

/** Processes that share lists of an API with two pages. */
function createWorld() {
  const { store, parts, head } = memoryStore();
  const state = {
    time: start,
    pages: [['a', 'b'], ['c']],
    end: { kind: 'complete' } as ListingEnd,
    onPage: async () => undefined as unknown,
  };
  const since: number[] = [];
  let ids = 0;
  const feed: AlertFeed = {
    async listUpdatedSince(from, take) {
      since.push((from.getTime() - start) / 1_000);
      for (const page of state.pages) {
        await state.onPage();
        await take({ alerts: page.map(listed), invalid: 0 });
      }
      return { end: state.end, calls: state.pages.length };
    },
  };
  const newId = () => {
    ids += 1;
    return `list-${ids}`;
  };
  const newProcess = () => {
    const known: string[] = [];
    const lists = createAlertLists({ feed, store, now: () => new Date(state.time), newId });
    const list = (seconds = 0) => {
      const wanted = { earliest: start + seconds * 1_000, latest: start + seconds * 1_000 };
      const take = ({ alerts }: { alerts: readonly AlertDevice[] }) =>
        known.push(...alerts.map(({ alertId }) => alertId));
      return lists.list(wanted, take);
    };
    return { list, known };
  };
  return { state, since, parts, head, newProcess };
}

describe('a list of alerts', () => {
  test('is made once for all processes, from an hour and a quarter before the alert that wants it', async () => {
    const { newProcess, since } = createWorld();
    const processes = Array.from({ length: 4 }, newProcess);
    await Promise.all(processes.map(({ list }) => list()));
    expect(since).toEqual([-4_500]);
    for (const { known } of processes) {
      expect(known).toEqual(['a', 'b', 'c']);
    }
    // Who comes later finds it, and hears nothing twice.
    const late = newProcess();
    expect(await late.list(-900)).toMatchObject({ kind: 'listed' });
    await late.list(-10);
    expect(late.known).toEqual(['a', 'b', 'c']);
    expect(since).toHaveLength(1);
  });

  test('goes on where it ended, and a little before, and each process hears of what is new', async () => {
    const { state, newProcess, since } = createWorld();
    const [first, second] = [newProcess(), newProcess()];
    await first.list();
    await second.list();
    state.time += 300_000;
    state.pages = [['d']];
    await second.list(290);
    await first.list(280);
    expect(since).toEqual([-4_500, -120]);
    expect([first.known, second.known]).toEqual([
      ['a', 'b', 'c', 'd'],
      ['a', 'b', 'c', 'd'],
    ]);
  });

  test('that cannot be had is asked for by nobody for a while, and what it told is kept', async () => {
    const { state, newProcess, since } = createWorld();
    const [first, second] = [newProcess(), newProcess()];
    state.end = { kind: 'forbidden', detail: 'no role' };
    expect(await first.list()).toMatchObject({ kind: 'resting', until: at(600) });
    expect(await second.list()).toMatchObject({ kind: 'resting' });
    expect(second.known).toEqual(['a', 'b', 'c']);
    expect(since).toHaveLength(1);
    state.time += 600_000;
    state.end = { kind: 'complete' };
    expect(await second.list()).toMatchObject({ kind: 'listed' });
    expect(since).toHaveLength(2);
  });

  test('of a process that died is made by another when its lease is over', async () => {
    const { state, newProcess, since, head } = createWorld();
    state.onPage = () => new Promise(() => undefined);
    void newProcess().list();
    await expect.poll(() => since.length).toBe(1);
    const heir = newProcess();
    state.onPage = async () => undefined;
    const listing = heir.list();
    await expect.poll(() => head().kind).toBe('listing');
    expect(heir.known).toEqual([]);
    state.time += 12_000;
    expect(await listing).toMatchObject({ kind: 'listed' });
    expect(heir.known).toEqual(['a', 'b', 'c']);
    expect(since).toHaveLength(2);
  });

  test('of a process that was so slow that another took over changes nothing for others', async () => {
    const { state, newProcess, head } = createWorld();
    const goOn = Promise.withResolvers<void>();
    state.onPage = () => goOn.promise;
    const slow = newProcess();
    const late = slow.list();
    await expect.poll(() => head().kind).toBe('listing');
    state.time += 12_000;
    state.onPage = async () => undefined;
    await newProcess().list(45);
    const made = head();
    goOn.resolve();
    await late;
    expect(head()).toBe(made);
    expect(slow.known).toEqual(['a', 'b', 'c']);
  });

  test('that our own storage breaks is free for the next one at once', async () => {
    const { state, newProcess, head } = createWorld();
    state.onPage = async () => {
      throw new Error('storage is down');
    };
    await expect(newProcess().list()).rejects.toThrow('storage is down');
    expect(head().kind).toBe('idle');
  });
});

describe('the next list', () => {
  const before: AlertList = { id: 'one', from: at(-4_500), until: at(0), parts: 3 };
  const next = (list: AlertList | undefined, seconds: number) =>
    nextList(list, { earliest: at(seconds).getTime(), latest: at(seconds).getTime() }, () => 'two');

  test.each<[what: string, list: AlertList | undefined, seconds: number]>([
    ['there was none', undefined, 60],
    ['an alert is from before the last one', before, -901],
    ['the last one is long', { ...before, from: at(-6 * 3_600) }, 60],
    ['the last one has many parts', { ...before, parts: 60 }, 60],
  ])('begins anew where %s', (_what, list, seconds) => {
    const { list: made, since } = next(list, seconds);
    expect(made).toMatchObject({ id: 'two', parts: 0 });
    expect(since).toEqual(at(seconds - 4_500));
    expect(covers(made, { earliest: start, latest: start })).toBe(false);
  });

  test('goes on otherwise', () => {
    expect(next(before, 60)).toEqual({ list: before, since: at(-120) });
  });
});
