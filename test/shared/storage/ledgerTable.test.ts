import { TableClient } from '@azure/data-tables';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Azurite, startAzurite } from '#dev/stack/azurite.ts';
import { EMPTY_LEDGER, type Ledger } from '#shared/quota/ledger.ts';
import { createStorageClock } from '#shared/quota/storageClock.ts';
import { createLedgerTable } from '#shared/storage/ledgerTable.ts';

let azurite: Azurite;
let table: TableClient;

beforeAll(async () => {
  azurite = await startAzurite();
  table = openTable('EnrichmentState');
  await table.createTable();
});

afterAll(() => azurite.stop());

function openTable(name: string): TableClient {
  return TableClient.fromConnectionString(azurite.connectionString, name, { allowInsecureConnection: true });
}

function storeOf(partitionKey: string, from = table) {
  return createLedgerTable(from, partitionKey, createStorageClock(Date.now), Date.now);
}

let quotas = 0;

/** A name for a quota that no test has used yet. */
function newQuota(): string {
  quotas += 1;
  return `api.example.com:${quotas}`;
}

const NOW = 1_795_435_200_000;

const busy: Ledger = {
  calls: Array.from({ length: 1_500 }, (_, index) => NOW + index * 2_400),
  waiting: 48,
  displaced: [NOW + 4_000_000, NOW + 4_000_001],
  lastTurnAt: NOW + 3_700_000.5,
  urgent: [NOW - 1_000, NOW + 500],
  pause: { until: NOW + 8_000, at: NOW },
  strike: { rate: 0.7, at: NOW },
  circuit: {
    openedAt: NOW,
    refusedAt: NOW + 1,
    probeAt: NOW + 5_000,
    failures: 2,
    cause: 'retired',
    detail: 'gone',
  },
};

describe('the stored ledger', () => {
  test('is empty until somebody writes one', async () => {
    expect(await storeOf(newQuota()).read()).toEqual({ ledger: EMPTY_LEDGER, etag: undefined });
  });

  test('comes back as it was written, for every instance', async () => {
    const quota = newQuota();
    const etag = await storeOf(quota).write(busy, undefined);
    expect(await storeOf(quota).read()).toEqual({ ledger: busy, etag });
    const next = await storeOf(quota).write(EMPTY_LEDGER, etag);
    expect(await storeOf(quota).read()).toEqual({ ledger: EMPTY_LEDGER, etag: next });
  });

  test('keeps any call times, to the millisecond', async () => {
    const store = storeOf(newQuota());
    let etag = await store.write(EMPTY_LEDGER, undefined);
    const times = fc.array(fc.integer({ min: 0, max: 4_000_000_000_000 }), { maxLength: 400 });
    await fc.assert(
      fc.asyncProperty(times, times, async (calls, displaced) => {
        const ascending = (list: number[]) => list.toSorted((left, right) => left - right);
        const ledger = { ...EMPTY_LEDGER, calls: ascending(calls), displaced: ascending(displaced) };
        etag = await store.write(ledger, etag);
        expect((await store.read()).ledger).toEqual(ledger);
      }),
      { numRuns: 25 },
    );
  });

  test('is small: an hour of calls fits into one column', async () => {
    const quota = newQuota();
    await storeOf(quota).write(busy, undefined);
    const row = await table.getEntity<{ calls: string }>(quota, 'ledger');
    expect(row.calls.length).toBeLessThan(10_000);
    expect(row).not.toHaveProperty('calls2');
  });

  test('holds limits of tens of thousands of calls as well', async () => {
    const store = storeOf(newQuota());
    const calls = Array.from({ length: 20_000 }, (_, index) => NOW + index * 40_000);
    await store.write({ ...EMPTY_LEDGER, calls }, undefined);
    expect((await store.read()).ledger.calls).toEqual(calls);
  });

  test('is one for each quota', async () => {
    const [ours, theirs] = [newQuota(), newQuota()];
    await storeOf(ours).write(busy, undefined);
    expect((await storeOf(theirs).read()).ledger).toEqual(EMPTY_LEDGER);
  });
});

describe('a write', () => {
  test('is lost when another instance created the ledger first', async () => {
    const quota = newQuota();
    const etag = await storeOf(quota).write(busy, undefined);
    expect(await storeOf(quota).write(EMPTY_LEDGER, undefined)).toBeUndefined();
    expect(await storeOf(quota).read()).toEqual({ ledger: busy, etag });
  });

  test('is lost when another instance wrote since the ledger was read', async () => {
    const store = storeOf(newQuota());
    const old = await store.write(EMPTY_LEDGER, undefined);
    const current = await store.write(busy, old);
    expect(await store.write(EMPTY_LEDGER, old)).toBeUndefined();
    expect(await store.read()).toEqual({ ledger: busy, etag: current });
  });

  test('is lost when somebody deleted the ledger, and begins a new one after that', async () => {
    const quota = newQuota();
    const store = storeOf(quota);
    const etag = await store.write(busy, undefined);
    await table.deleteEntity(quota, 'ledger');
    expect(await store.write(EMPTY_LEDGER, etag)).toBeUndefined();
    expect(await store.read()).toEqual({ ledger: EMPTY_LEDGER, etag: undefined });
    expect(await store.write(EMPTY_LEDGER, undefined)).toEqual(expect.any(String));
  });

  test('of many at once succeeds for one', async () => {
    const quota = newQuota();
    const etag = await storeOf(quota).write(EMPTY_LEDGER, undefined);
    const written = await Promise.all(
      Array.from({ length: 8 }, (_, waiting) => storeOf(quota).write({ ...EMPTY_LEDGER, waiting }, etag)),
    );
    expect(written.filter((mark) => mark !== undefined)).toHaveLength(1);
  });

  test('into a table that is missing is an error, not a lost race', async () => {
    const nowhere = storeOf(newQuota(), openTable('Nowhere'));
    await expect(nowhere.write(EMPTY_LEDGER, undefined)).rejects.toMatchObject({ statusCode: 404 });
  });
});

describe('a ledger that cannot be read', () => {
  const understood = {
    format: 1,
    state: JSON.stringify({ waiting: 0, lastTurnAt: 0, pause: null, strike: null, circuit: null }),
    calls: '',
    displaced: '',
  };

  test.each<[string, Record<string, unknown>]>([
    ['of another format', { format: 2 }],
    ['without a format', { format: undefined }],
    ['whose state is no JSON', { state: '{"waiting":' }],
    ['whose state lacks a part', { state: '{"waiting":0}' }],
    ['whose state is of the wrong type', { state: '[]' }],
  ])('%s stops all calls, and says where it is and what to do', async (_, columns) => {
    const quota = newQuota();
    const row = Object.entries({ ...understood, ...columns }).filter(([, value]) => value !== undefined);
    await table.createEntity({ partitionKey: quota, rowKey: 'ledger', ...Object.fromEntries(row) });
    await expect(storeOf(quota).read()).rejects.toThrow(
      new RegExp(`"${quota}".*"ledger".*no call is made\\. Delete that row`, 's'),
    );
  });

  test('is the exception: one written by hand in the right form is read', async () => {
    const quota = newQuota();
    await table.createEntity({ partitionKey: quota, rowKey: 'ledger', ...understood, calls: 'a 1' });
    expect((await storeOf(quota).read()).ledger).toEqual({ ...EMPTY_LEDGER, calls: [10, 11] });
  });

  test('because the service is gone is an error too', async () => {
    const endpoint = 'http://127.0.0.1:1/devstoreaccount1';
    const gone = azurite.connectionString.replace(/TableEndpoint=[^;]+/, `TableEndpoint=${endpoint}`);
    const nowhere = TableClient.fromConnectionString(gone, 'EnrichmentState', {
      allowInsecureConnection: true,
      retryOptions: { maxRetries: 0 },
    });
    await expect(storeOf(newQuota(), nowhere).read()).rejects.toThrow('ECONNREFUSED');
  });
});

test('every answer of the service, a refusal too, tells its time', async () => {
  const seen: (string | undefined)[] = [];
  const clock = {
    now: Date.now,
    observe: (_: number, __: number, date: string | undefined) => seen.push(date),
  };
  const store = createLedgerTable(table, newQuota(), clock, Date.now);
  await store.read();
  const etag = await store.write(EMPTY_LEDGER, undefined);
  await store.write(EMPTY_LEDGER, undefined);
  await store.write(EMPTY_LEDGER, etag);
  expect(seen).toHaveLength(4);
  for (const date of seen) {
    expect(Math.abs(Date.parse(date ?? '') - Date.now())).toBeLessThan(5_000);
  }
});
