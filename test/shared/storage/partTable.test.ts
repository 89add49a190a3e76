import { TableClient } from '@azure/data-tables';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Azurite, startAzurite } from '#dev/stack/azurite.ts';
import { deviceEvidenceSchema } from '#shared/sources/graph/deviceEvidence.ts';
import { createPartTable } from '#shared/storage/partTable.ts';

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

const retrievedAt = new Date('2026-11-26T12:00:00Z');
const evidence = deviceEvidenceSchema.parse({
  '@odata.type': '#microsoft.graph.security.deviceEvidence',
  mdeDeviceId: 'a'.repeat(40),
  tags: ['branch-7'],
});

describe('the parts of answers', () => {
  test('are read back as they were written, and the newest counts', async () => {
    const parts = createPartTable(table);
    const row = new Map([
      ['devicename', 'ws-1'],
      ['interfaces', JSON.stringify('x'.repeat(90_000))],
    ]);
    await parts.writeDevice('d1', { part: new Map([['devicename', 'old']]), retrievedAt: new Date(0) });
    await parts.writeDevice('d1', { part: row, retrievedAt });
    expect(await parts.readDevice('d1')).toEqual({ part: row, retrievedAt });
    await parts.writeDevice('d2', { part: null, retrievedAt });
    expect(await parts.readDevice('d2')).toEqual({ part: null, retrievedAt });
    await parts.writeEvidence('alert-1', { part: evidence, retrievedAt });
    expect(await parts.readEvidence('alert-1')).toEqual({ part: evidence, retrievedAt });
    await parts.removeEvidence('alert-1');
    expect(await parts.readEvidence('alert-1')).toBeUndefined();
    await parts.removeEvidence('alert-1');
  });

  test('tell which devices were kept since a time, and one tenant hears nothing of another', async () => {
    const [one, other] = [createPartTable(table, 'tenant-1:'), createPartTable(table, 'tenant-2:')];
    await one.writeMachine('m1', { part: { id: 'm1' }, retrievedAt });
    await one.writeMachine('m2', { part: { id: 'm2' }, retrievedAt: new Date(retrievedAt.getTime() - 1) });
    await one.writeDevice('d1', { part: null, retrievedAt });
    expect(await one.machineIdsSince(retrievedAt)).toEqual(['m1']);
    expect(await one.deviceIdsSince(retrievedAt)).toEqual(['d1']);
    expect(await other.machineIdsSince(new Date(0))).toEqual([]);
    expect(await other.readMachine('m1')).toBeUndefined();
    expect(await createPartTable(openTable('Missing')).machineIdsSince(new Date(0))).toEqual([]);
  });

  test('count as not kept where the row is damaged or of another format', async () => {
    const parts = createPartTable(table);
    const keys = { partitionKey: 'graph-device' };
    await table.upsertEntity({ ...keys, rowKey: 'd3', format: 2, retrievedAt, part: '{}' });
    await table.upsertEntity({ ...keys, rowKey: 'd4', format: 1, retrievedAt, part: '{"a":' });
    await table.upsertEntity({ ...keys, rowKey: 'd5', format: 1, retrievedAt: 'soon', part: '{}' });
    for (const id of ['d3', 'd4', 'd5', 'none']) {
      expect(await parts.readDevice(id)).toBeUndefined();
    }
  });

  test('are not worth an error: without the table one more call is made', async () => {
    const parts = createPartTable(openTable('Missing'));
    await parts.writeEvidence('alert-1', { part: evidence, retrievedAt });
    expect(await parts.readEvidence('alert-1')).toBeUndefined();
    await parts.removeEvidence('alert-1');
  });
});
