import { TableClient } from '@azure/data-tables';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Azurite, startAzurite } from '#dev/stack/azurite.ts';
import { INITIAL_STATE, type SourceState } from '#shared/sources/auto/sourceState.ts';
import { createSourceStateTable } from '#shared/storage/sourceStateTable.ts';

let azurite: Azurite;
let table: TableClient;
beforeAll(async () => {
  azurite = await startAzurite();
  const options = { allowInsecureConnection: true };
  table = TableClient.fromConnectionString(azurite.connectionString, 'EnrichmentState', options);
  await table.createTable();
});
afterAll(() => azurite.stop());

const at = new Date('2027-02-01T08:00:00.123Z');
const states: SourceState[] = [
  { mode: 'defender', canary: 'alert-1', provedAt: at, doubt: null },
  {
    mode: 'defender',
    canary: 'alert-1',
    provedAt: at,
    doubt: { since: at, signs: 2, detail: 'answered 410' },
  },
  { mode: 'graph', canary: null, since: at, detail: 'answered 410', nextProbeAt: at },
];

test('a state is read back as it was written, and of two writers one wins', async () => {
  const store = createSourceStateTable(table);
  expect(await store.read()).toEqual({ state: INITIAL_STATE, etag: undefined });
  let etag: string | undefined;
  for (const state of states) {
    const before = etag;
    etag = await store.write(state, before);
    expect(etag).toBeDefined();
    expect(await store.read()).toEqual({ state, etag });
    expect(await store.write(INITIAL_STATE, before)).toBeUndefined();
  }
});

test('a row that cannot be read is a new beginning, and can be written over', async () => {
  const store = createSourceStateTable(table);
  await table.upsertEntity({ partitionKey: 'source', rowKey: 'state', format: 1, state: '{"mode":"moon"}' });
  const { state, etag } = await store.read();
  expect(state).toEqual(INITIAL_STATE);
  expect(await store.write(states[0] ?? INITIAL_STATE, etag)).toBeDefined();
});

test('the word of calls for lists is no alert to ask about', async () => {
  const store = createSourceStateTable(table, 'old:');
  await store.write(
    { mode: 'graph', canary: 'machines', since: at, detail: 'x', nextProbeAt: at },
    undefined,
  );
  expect((await store.read()).state).toMatchObject({ mode: 'graph', canary: null });
});
