import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Azurite, startAzurite } from '#dev/stack/azurite.ts';
import { createStorageClients, provision, type StorageClients } from '#shared/storage/storageClients.ts';

function answering(label: string, statusCode: number) {
  return { label, create: async () => Promise.reject(Object.assign(new Error(label), { statusCode })) };
}

describe('on a storage service', () => {
  let azurite: Azurite;
  let clients: StorageClients;

  beforeAll(async () => {
    azurite = await startAzurite();
    const { connectionString } = azurite;
    clients = createStorageClients({ kind: 'connectionString', connectionString });
  });

  afterAll(() => azurite.stop());

  function wanted() {
    const [queue, table] = [clients.queue('alerts'), clients.table('AlertEnrichments')];
    return [
      { label: 'queue', create: () => queue.createIfNotExists() },
      { label: 'table', create: () => table.createTable() },
    ];
  }

  test('what is missing is created, and what is there stays as it is', async () => {
    expect(await provision(wanted())).toEqual([]);
    await clients.queue('alerts').sendMessage('kept');
    await clients.table('AlertEnrichments').createEntity({ partitionKey: 'alert-1', rowKey: 'device' });
    expect(await provision(wanted())).toEqual([]);
    expect((await clients.queue('alerts').getProperties()).approximateMessagesCount).toBe(1);
    expect(await clients.table('AlertEnrichments').getEntity('alert-1', 'device')).toHaveProperty('etag');
  });

  test('several instances may start at once', async () => {
    const answers = await Promise.all(Array.from({ length: 4 }, () => provision(wanted())));
    expect(answers.flat()).toEqual([]);
  });
});

test('what the identity may not create is named, and the rest is created all the same', async () => {
  let created = 0;
  const allowed = { label: 'table "B"', create: async () => ++created };
  expect(await provision([answering('queue "a"', 403), allowed, answering('table "C"', 403)])).toEqual([
    'queue "a"',
    'table "C"',
  ]);
  expect(created).toBe(1);
});

test('what the identity may not create is fine where it sees that it is there', async () => {
  const forbidden = answering('queue "a"', 403);
  expect(await provision([{ ...forbidden, exists: async () => true }])).toEqual([]);
  expect(await provision([{ ...forbidden, exists: async () => false }])).toEqual(['queue "a"']);
  expect(await provision([{ ...forbidden, exists: forbidden.create }])).toEqual(['queue "a"']);
});

test('what exists already is fine', async () => {
  expect(await provision([answering('queue "a"', 409)])).toEqual([]);
});

test.each([400, 500, 503])('any other answer of the service is an error: %i', async (status) => {
  await expect(provision([answering('queue "a"', status)])).rejects.toMatchObject({ statusCode: status });
});
