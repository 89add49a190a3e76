import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { type Bulkhead, createBulkhead } from '#shared/pipeline/bulkhead.ts';
import { receiveMessage, type TenantPipeline } from '#shared/pipeline/receiveMessage.ts';
import type { SourceAnswer } from '#shared/sources/source.ts';
import { createTenantRouter } from '#shared/tenants/tenantRouter.ts';
import { createWorld } from '../pipeline/world.ts';
import { CONTOSO, directoryOf, FABRIKAM, HOME, rowOf } from './tenants.ts';

beforeEach(() => {
  vi.useFakeTimers({ now: 0 });
});
afterEach(() => {
  vi.useRealTimers();
});

const inMs = (milliseconds: number) => new Promise<void>((resolve) => setTimeout(resolve, milliseconds));
/** Messages that the host hands to a process at most: `batchSize` and `newBatchThreshold` of host.json. */
const WORKERS = 48;
/** What each operation of storage takes. */
const STORAGE_MS = 10;
const LOOK_UP_MS = 300;

/** One process of the host, which works on as many messages at once as it may, and the queue that all tenants share. */
function startProcess(find: Record<string, () => Promise<SourceAnswer>>, bulkhead: Bulkhead | undefined) {
  const visible: string[] = [];
  const publishedAt = new Map<string, number>();
  let working = 0;
  let messages = 0;

  function scopeOf(tenantId: string): TenantPipeline {
    const world = createWorld({
      around: async (_, moment) => {
        if (moment === 'before') {
          await inMs(STORAGE_MS);
        }
      },
      ...(find[tenantId] && { find: find[tenantId] }),
      random: Math.random,
    });
    const { outbox } = world.deps;
    const pipeline = {
      ...world.deps,
      now: () => new Date(),
      outbox: {
        ...outbox,
        async submit(submission: object, delayMs: number, claimKey?: string) {
          await inMs(STORAGE_MS);
          put(JSON.stringify({ kind: 'submission', version: 1, submission, claimKey }), delayMs);
        },
        async publish({ alertId }: { alertId: string }) {
          await inMs(STORAGE_MS);
          publishedAt.set(alertId, Date.now());
        },
      },
    };
    return { tenant: tenantId === HOME ? undefined : { id: tenantId }, pipeline };
  }
  const home = scopeOf(HOME);
  const { route } = createTenantRouter<TenantPipeline>({
    home,
    homeTenant: async () => HOME,
    directory: directoryOf([rowOf(CONTOSO), rowOf(FABRIKAM)]),
    open: ({ id }) => scopeOf(id),
  });

  function put(text: string, delayMs: number): void {
    if (delayMs > 0) {
      setTimeout(() => put(text, 0), delayMs);
      return;
    }
    visible.push(text);
    work();
  }
  function work(): void {
    while (working < WORKERS) {
      const body = visible.shift();
      if (body === undefined) {
        return;
      }
      working += 1;
      messages += 1;
      const delivery = { id: `3a2f0c52-0000-4000-8000-${String(messages).padStart(12, '0')}` };
      const signal = AbortSignal.timeout(120_000);
      void receiveMessage({ body, delivery }, { home, route, bulkhead }, () => {}, signal).then(() => {
        working -= 1;
        work();
      });
    }
  }
  return {
    submit: (alertId: string, tenantId: string) => put(JSON.stringify({ alertId, tenantId }), 0),
    publishedAt,
  };
}

/** How long a new alert of Fabrikam takes while Contoso has a backlog whose look-ups end so. */
async function latencyBeside(
  backlog: number,
  find: () => Promise<SourceAnswer>,
  bulkhead: Bulkhead | undefined,
): Promise<number[]> {
  const { submit, publishedAt } = startProcess({ [CONTOSO]: find }, bulkhead);
  for (let number = 0; number < backlog; number += 1) {
    submit(`contoso-${number}`, CONTOSO);
  }
  const latencies: number[] = [];
  for (let number = 0; number < 2; number += 1) {
    await vi.advanceTimersByTimeAsync(20_000);
    const sentAt = Date.now();
    const alertId = `fabrikam-${number}`;
    submit(alertId, FABRIKAM);
    while (!publishedAt.has(alertId) && Date.now() - sentAt < 60_000) {
      await vi.advanceTimersByTimeAsync(50);
    }
    latencies.push((publishedAt.get(alertId) ?? Number.POSITIVE_INFINITY) - sentAt);
  }
  return latencies;
}

const silent = async (): Promise<SourceAnswer> => {
  await inMs(30_000);
  return { kind: 'unavailable', detail: 'no answer within 30 s' };
};
const throttled = async (): Promise<SourceAnswer> => {
  await inMs(20_000);
  return {
    kind: 'wait',
    reason: 'quota',
    until: new Date(Date.now() + 60_000),
    inLine: true,
    detail: 'no slot',
  };
};
const refused = async (): Promise<SourceAnswer> => {
  await inMs(100);
  return { kind: 'denied', until: new Date(Date.now() + 60_000), detail: 'no consent' };
};

test.each([
  ['does not answer', 5_000, silent],
  ['waits for its quota', 1_000, throttled],
  ['has no consent', 1_000, refused],
])(
  'of a tenant that %s there may be a backlog of %d: a new alert of another is answered as if alone',
  async (_, backlog, find) => {
    const [alone = 0] = await latencyBeside(0, find, createBulkhead());
    const beside = await latencyBeside(backlog, find, createBulkhead());
    expect(Math.max(...beside)).toBeLessThan(alone + 1_000);
  },
);

test('without a limit for each tenant it would wait for the workers', async () => {
  const beside = await latencyBeside(5_000, silent, undefined);
  expect(Math.max(...beside)).toBeGreaterThan(10_000);
});

test('a tenant alone in the process is answered as fast with the limit', async () => {
  const find = async (): Promise<SourceAnswer> => {
    await inMs(LOOK_UP_MS);
    return { kind: 'rejected', code: 'x', message: 'x' };
  };
  const { submit, publishedAt } = startProcess({ [CONTOSO]: find }, createBulkhead());
  for (let number = 0; number < 100; number += 1) {
    submit(`contoso-${number}`, CONTOSO);
  }
  await vi.advanceTimersByTimeAsync(60_000);
  expect(publishedAt.size).toBe(100);
});
