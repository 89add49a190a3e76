import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { floorMs } from '#bench/support/floor.ts';
import { seededRandom } from '#dev/simulator/random.ts';
import { createRateWindows } from '#dev/simulator/rateWindows.ts';
import { createBulkhead } from '#shared/pipeline/bulkhead.ts';
import { receiveMessage, type TenantPipeline } from '#shared/pipeline/receiveMessage.ts';
import { EMPTY_LEDGER, type Ledger } from '#shared/quota/ledger.ts';
import { LedgerError, type LedgerStore } from '#shared/quota/ledgerExchange.ts';
import { createLedgerGate } from '#shared/quota/ledgerGate.ts';
import type { AlertReference, SourceAnswer } from '#shared/sources/source.ts';
import { createTenantRouter } from '#shared/tenants/tenantRouter.ts';
import { createWorld } from '../pipeline/world.ts';
import { directoryOf, rowOf } from './tenants.ts';

/** Scaled down, so that the smallest backlog takes several windows too. */
const limits = [
  { calls: 30, windowMs: 15_000 },
  { calls: 110, windowMs: 60_000 },
];
/** The longest that the app waits among several tenants. */
const IN_PROCESS_WAIT_MS = 5_000;
/** What each operation of storage takes at the least. */
const STORAGE_MS = 8;
/** Of a storage emulator beside four hosts on two cores: it does one operation after the other. */
const BUSY_STORAGE_MS = 3;
/** Of the Functions host: as many messages at a time, when no more than so many are in hand. */
const BATCH = 16;
const FETCH_BELOW = 32;
const POLL_MS = 2_000;
const PROCESSES = 4;

beforeEach(() => {
  vi.useFakeTimers({ now: Date.UTC(2026, 0, 1) });
});
afterEach(() => {
  vi.useRealTimers();
});

const inMs = (milliseconds: number) => new Promise<void>((resolve) => setTimeout(resolve, milliseconds));

/** Resolves when the storage service has done one operation more. */
type StorageOperation = () => Promise<void>;

/** @param serviceMs What keeps the service from the next operation; 0 for one that does any number at a time. */
function createStorage(serviceMs: number): StorageOperation {
  let busyUntil = 0;
  return () => {
    const now = Date.now();
    busyUntil = Math.max(now, busyUntil + serviceMs);
    return inMs(Math.round(busyUntil - now) + STORAGE_MS);
  };
}

/** A tenant's API: it counts exactly, and answers as the tenant's state has it. */
interface Api {
  id: string;
  backlog: number;
  state: 'serves' | 'no consent' | 'always 503';
  calls: number[];
  refused: number;
  store: LedgerStore;
  /** All processes have the same rows. */
  world: ReturnType<typeof createWorld>;
  windows: ReturnType<typeof createRateWindows>;
}

function createApi(id: string, backlog: number, state: Api['state'], storage: StorageOperation): Api {
  let ledger: Ledger = EMPTY_LEDGER;
  let version = 0;
  const etag = () => (version === 0 ? undefined : String(version));
  const store: LedgerStore = {
    async read() {
      await storage();
      return { ledger, etag: etag() };
    },
    async write(next, expected) {
      await storage();
      if (expected !== etag()) {
        return undefined;
      }
      ledger = next;
      version += 1;
      return etag();
    },
  };
  const world = createWorld({ around: (_, moment) => (moment === 'before' ? storage() : undefined) });
  const windows = createRateWindows(limits, 'sliding');
  return { id, backlog, state, calls: [], refused: 0, store, world, windows };
}

function startProcess(
  apis: readonly Api[],
  queue: Queue,
  answered: Answers,
  storage: StorageOperation,
  random: () => number,
) {
  let working = 0;
  const bulkhead = createBulkhead();

  function scopeOf(api: Api): TenantPipeline {
    const gate = createLedgerGate({
      store: api.store,
      clock: { now: Date.now, observe: () => undefined },
      rules: { limits, share: 1, inProcessWaitMs: IN_PROCESS_WAIT_MS, probeIntervalMs: 5_000 },
      random,
    });
    async function find({ inLine }: AlertReference): Promise<SourceAnswer> {
      if (api.state === 'no consent') {
        await inMs(100);
        const detail = 'there is no consent';
        const { until } = await gate.denied(undefined, { cause: 'forbidden', detail });
        return { kind: 'denied', until, detail };
      }
      const place = inLine ? 'turn' : 'last';
      const permit = await gate.acquire({ place, mayProbeCircuit: true }, new AbortController().signal);
      if (permit.kind !== 'granted') {
        const { until, detail } = permit;
        return permit.kind === 'wait'
          ? { kind: 'wait', reason: 'quota', until, inLine: permit.inLine, detail }
          : { kind: 'denied', until, detail };
      }
      const now = Date.now();
      api.calls.push(now);
      if (api.windows.check(now) === undefined) {
        api.windows.record(now);
      } else {
        api.refused += 1;
      }
      await inMs(100 + random() * 200);
      gate.returned(permit);
      if (api.state === 'always 503') {
        return { kind: 'unavailable', detail: '503' };
      }
      await gate.succeeded(permit);
      const machine = { id: `machine of ${api.id}` };
      return { kind: 'found', source: 'defender', machine, retrievedAt: new Date(), unavailable: [] };
    }
    const { deps } = api.world;
    const outbox = {
      ...deps.outbox,
      async submit(submission: object, delayMs: number, claimKey?: string) {
        await storage();
        const text = JSON.stringify({ kind: 'submission', version: 1, submission, claimKey });
        // Queue Storage counts in whole seconds.
        queue.put(text, Math.ceil(delayMs / 1_000) * 1_000);
      },
      async publish({ alertId }: { alertId: string }) {
        await storage();
        answered.set(alertId, { tenantId: api.id, at: Date.now() });
      },
    };
    const source = { ...deps.source, find };
    const storageFault = (error: unknown) => (error instanceof LedgerError ? error.message : undefined);
    const tenant = api === apis[0] ? undefined : { id: api.id };
    const now = () => new Date();
    return { tenant, pipeline: { ...deps, source, outbox, now, random, storageFault } };
  }

  const [homeApi, ...customers] = apis as [Api, ...Api[]];
  const home = scopeOf(homeApi);
  const { route } = createTenantRouter<TenantPipeline>({
    home,
    homeTenant: async () => homeApi.id,
    directory: directoryOf(customers.map(({ id }) => rowOf(id))),
    open: ({ id }) => scopeOf(apis.find((api) => api.id === id) as Api),
  });

  let wake = Promise.withResolvers<void>();
  async function handle({ id, body }: Message): Promise<void> {
    working += 1;
    const delivery = { id };
    const signal = AbortSignal.timeout(120_000);
    await receiveMessage({ body, delivery }, { home, route, bulkhead }, () => {}, signal);
    working -= 1;
    wake.resolve();
  }
  return async function listen(isDone: () => boolean): Promise<void> {
    await inMs(random() * POLL_MS);
    while (!isDone()) {
      const batch = working > FETCH_BELOW ? [] : queue.take(BATCH);
      batch.forEach((message) => void handle(message));
      wake = Promise.withResolvers();
      if (working > FETCH_BELOW) {
        await wake.promise;
      } else {
        await (batch.length > 0 ? storage() : inMs(POLL_MS));
      }
    }
  };
}

/** Whose parts answered an alert, and when. */
type Answers = Map<string, { tenantId: string; at: number }>;

interface Message {
  id: string;
  body: string;
}

interface Queue {
  put(body: string, delayMs: number): void;
  /** As many of those that are visible, the first ones first. */
  take(count: number): Message[];
}

function createQueue(): Queue {
  const visible: Message[] = [];
  let messages = 0;
  return {
    put(body, delayMs) {
      messages += 1;
      const message = { id: `3a2f0c52-0000-4000-8000-${String(messages).padStart(12, '0')}`, body };
      if (delayMs === 0) {
        visible.push(message);
      } else {
        setTimeout(() => visible.push(message), delayMs);
      }
    },
    take: (count) => visible.splice(0, count),
  };
}

/**
 * 2,000 alerts of five tenants, with 400 of two that fail, all mixed, in four processes. A new alert of another tenant
 * comes every ten seconds.
 * @param serviceMs Of the storage service.
 * @returns When the new alerts were answered (ms after they came), and the tenants that serve.
 */
async function drain(serviceMs: number) {
  const random = seededRandom('tenants');
  const storage = createStorage(serviceMs);
  const idOf = (index: number) => `aaaaaaaa-1111-4222-8333-00000000000${index}`;
  const serving = [600, 450, 350, 300, 300].map((backlog, index) =>
    createApi(idOf(index), backlog, 'serves', storage),
  );
  const quiet = createApi(idOf(6), 0, 'serves', storage);
  const failing = [
    createApi(idOf(7), 200, 'no consent', storage),
    createApi(idOf(8), 200, 'always 503', storage),
  ];
  const apis = [...serving, quiet, ...failing];
  const alertOf = (tenantId: string, index: number) => ({ alertId: `${tenantId}_${index}`, tenantId });
  const queue = createQueue();
  const backlogs = apis.flatMap(({ id, backlog }) =>
    Array.from({ length: backlog }, (_, index) => ({
      ...alertOf(id, index),
      place: (index + 0.5) / backlog,
    })),
  );
  // All mixed, as they come in.
  for (const { alertId, tenantId } of backlogs.toSorted((left, right) => left.place - right.place)) {
    queue.put(JSON.stringify({ alertId, tenantId }), 0);
  }

  const answered: Answers = new Map();
  const answersOf = ({ id }: Api) => [...answered.values()].filter(({ tenantId }) => tenantId === id).length;
  const isDone = () => serving.every((api) => answersOf(api) === api.backlog);
  for (let process = 0; process < PROCESSES; process += 1) {
    void startProcess(apis, queue, answered, storage, random)(isDone);
  }
  const sentAt = new Map<string, number>();
  for (let second = 0; second < 600 && !isDone(); second += 1) {
    if (second % 10 === 5) {
      const alert = alertOf(quiet.id, second);
      sentAt.set(alert.alertId, Date.now());
      queue.put(JSON.stringify(alert), 0);
    }
    await vi.advanceTimersByTimeAsync(1_000);
  }

  expect(serving.map(answersOf)).toEqual(serving.map(({ backlog }) => backlog));
  const foreign = [...answered].filter(([alertId, { tenantId }]) => !alertId.startsWith(tenantId));
  expect(foreign).toEqual([]);
  expect(failing.map(answersOf)).toEqual([0, 0]);
  expect(apis.map(({ refused }) => refused)).toEqual(apis.map(() => 0));
  const waits = [...sentAt].map(([alertId, at]) => (answered.get(alertId)?.at ?? Date.now()) - at);
  return { waits, serving };
}

/** How much longer than its own limits demand a tenant's backlog took. */
function drainRatio({ backlog, calls }: Api): number {
  const drainMs = (calls.at(-1) ?? 0) - (calls[0] ?? 0);
  return drainMs / floorMs(backlog, limits);
}

test('backlogs of five tenants drain each at the pace of its own quota, and a new alert of another waits for none of them, beside a tenant without consent and one that always fails', async () => {
  const { waits, serving } = await drain(0);
  expect(Math.max(...serving.map(drainRatio))).toBeLessThanOrEqual(1.1);
  // Alone it would take up to a poll of the queue and a look-up.
  expect(Math.max(...waits)).toBeLessThan(POLL_MS + 3_000);
}, 60_000);

test('they do so too where it takes the hosts most of a minute to look at each message once', async () => {
  const { serving } = await drain(BUSY_STORAGE_MS);
  expect(Math.max(...serving.map(drainRatio))).toBeLessThanOrEqual(1.1);
}, 60_000);
