import { expect, test } from 'vitest';
import { createTenantDirectory } from '#shared/tenants/tenantDirectory.ts';
import type { TenantRow } from '#shared/tenants/tenantRow.ts';
import { CONTOSO, FABRIKAM, rowOf } from './tenants.ts';

const SECOND = 1_000;
const MINUTE = 60_000;

function createTable() {
  const table = {
    rows: [rowOf(CONTOSO)] as TenantRow[],
    error: undefined as Error | undefined,
    reads: 0,
    now: 0,
  };
  const list = async () => {
    table.reads += 1;
    if (table.error !== undefined) {
      throw table.error;
    }
    return table.rows;
  };
  const directory = createTenantDirectory(list, () => table.now);
  const ids = async () => [...(await directory.rows()).keys()];
  return { table, directory, ids };
}

test('all who ask at once share one read, and those who ask soon after need none', async () => {
  const { table, ids } = createTable();
  await Promise.all(Array.from({ length: 100 }, ids));
  table.now += 20 * SECOND;
  expect(await ids()).toEqual([CONTOSO]);
  expect(table.reads).toBe(1);
});

test.each([1, 30, 59, 3_600])(
  'a tenant that is added is known within a minute, asked each %d s',
  async (everySeconds) => {
    const { table, ids } = createTable();
    await ids();
    table.rows = [rowOf(CONTOSO), rowOf(FABRIKAM)];
    let known = await ids();
    while (table.now < MINUTE) {
      table.now += everySeconds * SECOND;
      known = await ids();
      await Promise.resolve();
    }
    expect(known).toContain(FABRIKAM);
  },
);

test('while the table cannot be read what was known holds for a quarter of an hour, and it says so', async () => {
  const { table, directory, ids } = createTable();
  await ids();
  table.error = new Error('down');
  table.now += 2 * MINUTE;
  expect(await ids()).toEqual([CONTOSO]);
  expect(directory.failingSince()).toBe(2 * MINUTE);
  table.now = 14 * MINUTE;
  expect(await ids()).toEqual([CONTOSO]);
  table.now = 16 * MINUTE;
  await expect(ids()).rejects.toThrow('down');

  table.error = undefined;
  table.now += 10 * SECOND;
  expect(await ids()).toEqual([CONTOSO]);
  expect(directory.failingSince()).toBeUndefined();
});

test('a table that is down is asked no more often than every few seconds, and nobody is told it is empty', async () => {
  const { table, ids } = createTable();
  table.error = new Error('down');
  for (let asked = 0; asked < 100; asked += 1) {
    await expect(ids()).rejects.toThrow('down');
    table.now += 100;
  }
  expect(table.reads).toBeLessThanOrEqual(3);
});
