import { randomUUID } from 'node:crypto';
import { TableClient } from '@azure/data-tables';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Azurite, startAzurite } from '#dev/stack/azurite.ts';
import type { SharedList } from '#shared/sources/alertList.ts';
import { createAlertListTable } from '#shared/storage/alertListTable.ts';

let azurite: Azurite;
let table: TableClient;
beforeAll(async () => {
  azurite = await startAzurite();
  table = TableClient.fromConnectionString(azurite.connectionString, 'EnrichmentState', {
    allowInsecureConnection: true,
  });
  await table.createTable();
});
afterAll(() => azurite.stop());

const listedAt = new Date('2026-11-26T12:00:00Z');
const shared: SharedList = {
  kind: 'listing',
  until: new Date('2026-11-26T12:00:45Z'),
  list: { id: 'one', from: new Date('2026-11-26T10:45:00Z'), until: listedAt, parts: 3 },
};

describe('the list of alerts in the state table', () => {
  test('is read back as it was written', async () => {
    const store = createAlertListTable(table, 'defender-alert-list');
    expect(await store.read()).toEqual({ shared: { kind: 'idle', list: undefined }, etag: undefined });
    const etag = await store.write(shared, undefined);
    expect(await store.read()).toEqual({ shared, etag });
    const idle: SharedList = { kind: 'idle', list: shared.list };
    const next = await store.write(idle, etag);
    expect(await store.read()).toEqual({ shared: idle, etag: next });
  });

  test('is written by one of two who know the same of it, and is another for each key', async () => {
    const store = createAlertListTable(table, 'tenant-1:defender-alert-list');
    const writes = await Promise.all([store.write(shared, undefined), store.write(shared, undefined)]);
    expect(writes.filter((etag) => etag !== undefined)).toHaveLength(1);
    const { etag } = await store.read();
    expect(await store.write({ kind: 'idle', list: undefined }, etag)).toBeDefined();
    expect(await store.write(shared, etag)).toBeUndefined();
    const other = createAlertListTable(table, 'tenant-2:defender-alert-list');
    expect((await other.read()).shared.kind).toBe('idle');
  });

  test('has parts with what a look-up needs; those of other lists are left out', async () => {
    const store = createAlertListTable(table, 'graph-alert-list');
    const evidence = { mdeDeviceId: 'm1', hostName: 'ws-1' };
    const alerts = [
      { alertId: 'a', machineId: 'm1', evidence },
      { alertId: 'b', machineId: undefined, evidence: undefined },
    ];
    expect(await store.writePart('one', 0, { listedAt, alerts })).toBe(1);
    await store.writePart('two', 1, { listedAt, alerts });
    await store.writePart('one', 2, { listedAt, alerts: [] });
    expect(await store.readParts('one', 0, 3)).toEqual([
      { listedAt, alerts },
      { listedAt, alerts: [] },
    ]);
    expect(await store.readParts('one', 2, 3)).toHaveLength(1);
  });

  test('takes more rows for a page that is too large for one', async () => {
    const store = createAlertListTable(table, 'large-alert-list');
    const alerts = Array.from({ length: 1_000 }, () => ({
      alertId: randomUUID(),
      machineId: randomUUID(),
      evidence: Array.from({ length: 20 }, () => randomUUID()),
    }));
    const rows = await store.writePart('one', 0, { listedAt, alerts });
    expect(rows).toBeGreaterThan(1);
    const parts = await store.readParts('one', 0, rows);
    expect(parts.flatMap((part) => part.alerts)).toEqual(alerts);
  });

  test.each([
    ['of another format', { format: 2, list: 'one', listedAt, alerts: '' }],
    ['that cannot be unpacked', { format: 1, list: 'one', listedAt, alerts: 'bm90IGd6aXA=' }],
    ['without a time', { format: 1, list: 'one', alerts: '' }],
  ])('counts a row %s as none', async (_what, row) => {
    const partitionKey = 'damaged-alert-list';
    await table.upsertEntity({ partitionKey, rowKey: 'part-0000', ...row });
    await table.upsertEntity({ partitionKey, rowKey: 'list', format: 1, state: '{"kind":' });
    const store = createAlertListTable(table, partitionKey);
    expect(await store.readParts('one', 0, 1)).toEqual([]);
    expect((await store.read()).shared).toEqual({ kind: 'idle', list: undefined });
  });
});
