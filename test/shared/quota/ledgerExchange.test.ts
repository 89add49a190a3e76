import { setImmediate as nextTick } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { EMPTY_LEDGER, type Ledger } from '#shared/quota/ledger.ts';
import type { LedgerStore } from '#shared/quota/ledgerExchange.ts';
import { type Change, createLedgerExchange } from '#shared/quota/ledgerExchange.ts';
import { NO_SPAN, useTelemetry } from '#shared/telemetry/telemetry.ts';

/** One shared ledger in memory, with conditional writes, and as many processes before it as a test wants. */
function createShared() {
  const done = { reads: 0, writes: 0, lost: 0 };
  const trouble = { answerLost: false };
  let stored: { ledger: Ledger; etag: string | undefined } = { ledger: EMPTY_LEDGER, etag: undefined };
  let version = 0;
  const store: LedgerStore = {
    async read() {
      await nextTick();
      done.reads += 1;
      return stored;
    },
    async write(ledger, etag) {
      await nextTick();
      if (etag !== stored.etag) {
        done.lost += 1;
        return undefined;
      }
      done.writes += 1;
      version += 1;
      stored = { ledger, etag: String(version) };
      if (trouble.answerLost) {
        throw new Error('connection reset');
      }
      return stored.etag;
    },
  };
  const clock = { now: () => 0, observe: () => undefined };
  return {
    done,
    trouble,
    ledger: () => stored.ledger,
    remove: () => {
      stored = { ledger: EMPTY_LEDGER, etag: undefined };
    },
    process: (random = () => 0) => createLedgerExchange(store, clock, random),
  };
}

function book(time: number): Change<number> {
  return (ledger) => ({ ledger: { ...ledger, calls: [...ledger.calls, time] }, grant: ledger.calls.length });
}

test('a process that is alone reads the ledger once, then only writes', async () => {
  const { process, done, ledger } = createShared();
  const exchange = process();
  for (let time = 1; time <= 5; time += 1) {
    await exchange(book(time));
  }
  expect(done).toEqual({ reads: 1, writes: 5, lost: 0 });
  expect(ledger().calls).toEqual([1, 2, 3, 4, 5]);
});

test('what somebody else wrote is never overwritten, and is what the next change is made of', async () => {
  const { process, done, ledger } = createShared();
  const [ours, theirs] = [process(), process()];
  await ours(book(1));
  await theirs(book(2));
  expect((await ours(book(3))).grant).toBe(2);
  expect(ledger().calls).toEqual([1, 2, 3]);
  expect(done.lost).toBe(1);
});

test('a process that is not alone reads first, until nobody has written between two of its own changes', async () => {
  const { process, done } = createShared();
  const [ours, theirs] = [process(), process()];
  for (const exchange of [ours, theirs, ours, theirs, ours, theirs]) {
    await exchange(book(1));
  }
  // Each found out once.
  expect(done.lost).toBe(2);
  const before = { ...done };
  await ours(book(1));
  await ours(book(1));
  await ours(book(1));
  expect(done).toEqual({ reads: before.reads + 2, writes: before.writes + 3, lost: before.lost });
});

test('what leaves the ledger as it is has been read a moment before, not remembered', async () => {
  const { process, done } = createShared();
  const [ours, theirs] = [process(), process()];
  const refuseWhilePaused: Change<string> = (ledger) => ({
    ledger,
    grant: ledger.pause === null ? 'not paused' : 'paused',
  });
  await ours((ledger) => ({ ledger: { ...ledger, pause: { at: 0, until: 9 } }, grant: undefined }));
  await theirs((ledger) => ({ ledger: { ...ledger, pause: null }, grant: undefined }));
  const reads = done.reads;
  expect((await ours(refuseWhilePaused)).grant).toBe('not paused');
  expect(done.reads).toBe(reads + 1);
});

test('a ledger that was deleted is begun anew', async () => {
  const { process, remove, ledger } = createShared();
  const exchange = process();
  await exchange(book(1));
  remove();
  await exchange(book(2));
  expect(ledger().calls).toEqual([2]);
});

test('a write whose answer was lost is kept', async () => {
  const { process, trouble, ledger } = createShared();
  const exchange = process();
  await exchange(book(1));
  trouble.answerLost = true;
  await expect(exchange(book(2))).rejects.toThrow('connection reset');
  trouble.answerLost = false;
  await exchange(book(3));
  expect(ledger().calls).toEqual([1, 2, 3]);
});

test('no change of any process is lost or made twice, however they run into each other', async () => {
  const { process, ledger } = createShared();
  const processes = [process(), process(), process()];
  const times = Array.from({ length: 300 }, (_, time) => time);
  // Each process has several changes under way at once, as the gate may.
  const workers = processes.flatMap((exchange) => [exchange, exchange]);
  const waiting = [...times];
  await Promise.all(
    workers.map(async (exchange) => {
      for (let time = waiting.pop(); time !== undefined; time = waiting.pop()) {
        await exchange(book(time));
      }
    }),
  );
  expect(ledger().calls.toSorted((left, right) => left - right)).toEqual(times);
});

test('telemetry hears of each change that another instance had forestalled', async () => {
  const { process, done } = createShared();
  const heard: unknown[] = [];
  useTelemetry({ span: (_name, _options, work) => work(NO_SPAN), record: (event) => heard.push(event) });
  onTestFinished(() => useTelemetry());
  const [one, two] = [process(), process()];
  for (let time = 1; time <= 5; time += 1) {
    await Promise.all([one(book(time)), two(book(time))]);
  }
  expect(done.lost).toBeGreaterThan(0);
  expect(heard).toEqual(Array(done.lost).fill({ event: 'ledger_conflict' }));
});
