import { TableClient } from '@azure/data-tables';
import { QueueServiceClient } from '@azure/storage-queue';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type StandInStorage, startStandInStorage } from '#bench/support/standInStorage.ts';

let storage: StandInStorage;
const openTable = (name: string) =>
  TableClient.fromConnectionString(storage.connectionString, name, {
    allowInsecureConnection: true,
    retryOptions: { maxRetries: 0 },
  });
const openQueue = (name: string) =>
  QueueServiceClient.fromConnectionString(storage.connectionString).getQueueClient(name);

beforeAll(async () => {
  storage = await startStandInStorage({
    input: { queue: 'alerts', messages: ['one', 'two', 'three'] },
    keptTable: 'State',
  });
});
afterAll(() => storage.close());

test('the messages come once each, in batches, and are settled', async () => {
  const queue = openQueue('alerts');
  const texts: string[] = [];
  for (;;) {
    const { receivedMessageItems } = await queue.receiveMessages({ numberOfMessages: 2 });
    if (receivedMessageItems.length === 0) {
      break;
    }
    for (const { messageText, messageId, popReceipt } of receivedMessageItems) {
      texts.push(messageText);
      await queue.deleteMessage(messageId, popReceipt);
    }
  }
  expect(texts).toEqual(['one', 'two', 'three']);
  expect(storage.requests.get('DELETE message of alerts')).toBe(3);
});

test('a message can be put into any queue', async () => {
  expect((await openQueue('enrichments').sendMessage('text')).messageId).toMatch(/^[0-9a-f-]{36}$/);
});

test('a kept row can be created once, read, merged and replaced, on condition', async () => {
  const table = openTable('State');
  await table.createTable();
  const key = { partitionKey: 'quota:own', rowKey: 'ledger' };
  const created = await table.createEntity({ ...key, calls: '1', at: new Date(0) });
  await expect(table.createEntity(key)).rejects.toMatchObject({ statusCode: 409 });
  const merged = await table.updateEntity({ ...key, more: 2 }, 'Merge', { etag: created.etag ?? '' });
  await expect(table.updateEntity(key, 'Replace', { etag: created.etag ?? '' })).rejects.toMatchObject({
    statusCode: 412,
  });
  expect(await table.getEntity(key.partitionKey, key.rowKey)).toMatchObject({
    calls: '1',
    at: new Date(0),
    more: 2,
    etag: merged.etag,
  });
  await table.updateEntity({ ...key, only: true }, 'Replace', { etag: merged.etag ?? '' });
  const replaced = await table.getEntity(key.partitionKey, key.rowKey);
  expect(replaced).toMatchObject({ only: true });
  expect(replaced).not.toHaveProperty('calls');
});

test('of other rows only the mark is kept, and it says so', async () => {
  const table = openTable('Enrichments');
  const { etag = '' } = await table.createEntity({ partitionKey: 'alert', rowKey: 'device' });
  await table.updateEntity({ partitionKey: 'alert', rowKey: 'device' }, 'Replace', { etag });
  await expect(table.getEntity('alert', 'device')).rejects.toMatchObject({ statusCode: 501 });
  await expect(table.getEntity('other', 'device')).rejects.toMatchObject({ statusCode: 404 });
});
