import { TableClient } from '@azure/data-tables';
import { expect, onTestFinished, test } from 'vitest';
import { startAzurite } from '#dev/stack/azurite.ts';
import { checkHealth, tableProbe } from '#shared/health/health.ts';

test('a table that is empty can be read, and one that is missing is a failed check', async () => {
  const azurite = await startAzurite();
  onTestFinished(() => azurite.stop());
  const [empty, missing] = ['Empty', 'Missing'].map((name) =>
    TableClient.fromConnectionString(azurite.connectionString, name, { allowInsecureConnection: true }),
  ) as [TableClient, TableClient];
  await empty.createTable();
  expect(await checkHealth([tableProbe(empty), tableProbe(missing)], 3_000)).toEqual({
    status: 'unhealthy',
    ready: false,
    checks: [
      { name: 'table "Empty"', status: 'ok', detail: 'readable' },
      {
        name: 'table "Missing"',
        status: 'failed',
        detail: 'the storage service answers 404 TableNotFound',
      },
    ],
  });
});
