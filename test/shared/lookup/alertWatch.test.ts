import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createAlertWatch } from '#shared/lookup/alertWatch.ts';
import type { AlertRecord } from '#shared/pipeline/alertRecords.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

/** Records that a test changes by hand; counts the reads. */
function createRecords() {
  const rows = new Map<string, AlertRecord>();
  const reads: string[] = [];
  let failure: Error | undefined;
  const state = { claim: undefined, answer: undefined, published: [] };
  return {
    reads,
    put: (alertId: string, etag: string) => rows.set(alertId, { alertId, etag, state }),
    fail(error: Error) {
      failure = error;
    },
    async read(alertId: string) {
      reads.push(alertId);
      if (failure !== undefined) {
        throw failure;
      }
      return rows.get(alertId);
    },
  };
}

const isDone = (record: AlertRecord | undefined) => record?.etag === 'done';
const never = new AbortController().signal;

test('what is so already is told after one read', async () => {
  const records = createRecords();
  records.put('a', 'done');
  const record = await createAlertWatch(records).until('a', isDone, never);
  expect([record?.etag, records.reads]).toEqual(['done', ['a']]);
});

test('however many wait for an alert, one reader looks, less and less often', async () => {
  const records = createRecords();
  const watch = createAlertWatch(records);
  const waits = Array.from({ length: 100 }, () => watch.until('a', isDone, never));
  await vi.advanceTimersByTimeAsync(249);
  expect(records.reads).toHaveLength(1);
  await vi.advanceTimersByTimeAsync(1);
  expect(records.reads).toHaveLength(2);
  // Reads at 0, 250, 750, 1750, 3750, 5750 ... ms.
  await vi.advanceTimersByTimeAsync(9_750);
  expect(records.reads).toHaveLength(8);
  records.put('a', 'done');
  await vi.advanceTimersByTimeAsync(2_000);
  expect((await Promise.all(waits)).every(isDone)).toBe(true);
  expect(records.reads).toHaveLength(9);
});

test('whose time is up gets the record as last read; the others wait on', async () => {
  const records = createRecords();
  records.put('a', 'begun');
  const watch = createAlertWatch(records);
  const hasty = new AbortController();
  const waits = [watch.until('a', isDone, hasty.signal), watch.until('a', isDone, never)];
  await vi.advanceTimersByTimeAsync(300);
  hasty.abort();
  expect((await waits[0])?.etag).toBe('begun');
  records.put('a', 'done');
  await vi.advanceTimersByTimeAsync(2_000);
  expect((await waits[1])?.etag).toBe('done');
});

test('who has no time at all still learns how the record is', async () => {
  const records = createRecords();
  records.put('a', 'begun');
  const record = await createAlertWatch(records).until('a', isDone, AbortSignal.abort());
  expect(record?.etag).toBe('begun');
});

test('who has no time is told how the record is now, not how others last saw it', async () => {
  const records = createRecords();
  records.put('a', 'begun');
  const watch = createAlertWatch(records);
  const others = watch.until('a', isDone, never);
  await vi.advanceTimersByTimeAsync(1_000);
  records.put('a', 'done');
  expect((await watch.until('a', isDone, AbortSignal.abort()))?.etag).toBe('done');
  await vi.advanceTimersByTimeAsync(2_000);
  await others;
});

test('when the last one leaves, nobody reads any more', async () => {
  const records = createRecords();
  const hasty = new AbortController();
  const wait = createAlertWatch(records).until('a', isDone, hasty.signal);
  await vi.advanceTimersByTimeAsync(100);
  hasty.abort();
  expect(await wait).toBeUndefined();
  await vi.advanceTimersByTimeAsync(10_000);
  expect(records.reads).toHaveLength(1);
});

test('who comes later shares what was read', async () => {
  const records = createRecords();
  records.put('a', 'begun');
  const watch = createAlertWatch(records);
  const first = watch.until('a', isDone, never);
  await vi.advanceTimersByTimeAsync(100);
  expect((await watch.until('a', (record) => record?.etag === 'begun', never))?.etag).toBe('begun');
  expect(records.reads).toHaveLength(1);
  records.put('a', 'done');
  await vi.advanceTimersByTimeAsync(2_000);
  await first;
});

test('when the storage service fails all who wait are told, and the next one tries anew', async () => {
  const records = createRecords();
  const watch = createAlertWatch(records);
  records.fail(new Error('down'));
  const waits = [watch.until('a', isDone, never), watch.until('a', isDone, never)];
  expect((await Promise.allSettled(waits)).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  await expect(watch.until('a', isDone, never)).rejects.toThrow('down');
  expect(records.reads).toHaveLength(2);
});

test('after the first time many alerts are read a hundred times a second on average, all together', async () => {
  const records = createRecords();
  const watch = createAlertWatch(records);
  const end = new AbortController();
  const waits = Array.from({ length: 1_000 }, (_, index) => watch.until(`a${index}`, isDone, end.signal));
  await vi.advanceTimersByTimeAsync(30_000);
  expect(records.reads.length).toBeLessThanOrEqual(1_000 + 30 * 100);
  end.abort();
  expect(await Promise.all(waits)).toHaveLength(1_000);
});

test('reads at once stay few, however many alerts are watched', async () => {
  let underWay = 0;
  let most = 0;
  const release: (() => void)[] = [];
  const records = {
    async read() {
      underWay += 1;
      most = Math.max(most, underWay);
      await new Promise<void>((resolve) => release.push(resolve));
      underWay -= 1;
      return undefined;
    },
  };
  const watch = createAlertWatch(records);
  const all = Array.from({ length: 200 }, (_, index) => watch.until(`a-${index}`, () => true, never));
  await vi.advanceTimersByTimeAsync(0);
  expect(most).toBe(32);
  while (release.length > 0) {
    release.splice(0).forEach((resolve) => {
      resolve();
    });
    await vi.advanceTimersByTimeAsync(0);
  }
  await Promise.all(all);
  expect(most).toBe(32);
});

test('who leaves before the first read is told as soon as that is there, and then nobody reads', async () => {
  const records = createRecords();
  const deadline = new AbortController();
  const waiting = createAlertWatch(records).until('a', isDone, deadline.signal);
  deadline.abort();
  expect(await waiting).toBeUndefined();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(records.reads).toEqual(['a']);
});
