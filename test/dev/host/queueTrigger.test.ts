import { type QueueClient, QueueServiceClient } from '@azure/storage-queue';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { type Azurite, startAzurite } from '#dev/stack/azurite.ts';
import { type FixtureApp, type StartedFixture, startFixtureHost, writeFixtureApp } from './fixtureApp.ts';

const source = `
app.storageQueue('work', {
  queueName: '%WORK_QUEUE%',
  connection: 'Store',
  handler: async (message, context) => {
    const { dequeueCount, id } = context.triggerMetadata;
    context.log(JSON.stringify({ message, type: typeof message, dequeueCount, id }));
    if (message === 'bad') throw new Error('a bad message');
    if (message?.takes) await delay(message.takes);
    context.log('done');
  },
});
app.storageQueue('switchedOff', {
  queueName: '%WORK_QUEUE%',
  connection: 'Store',
  handler: (message, context) => context.log('should not run'),
});
app.storageQueue('unresolved', { queueName: '%NOT_SET%', connection: 'Store', handler: () => {} });
`;

let azurite: Azurite;
let queue: QueueClient;
let poison: QueueClient;
let number = 0;
const cleanUps: (() => unknown)[] = [];

beforeAll(async () => {
  azurite = await startAzurite();
});
afterAll(() => azurite.stop());

beforeEach(async () => {
  number += 1;
  const account = QueueServiceClient.fromConnectionString(azurite.connectionString);
  queue = account.getQueueClient(`work-${number}`);
  poison = account.getQueueClient(`work-${number}-poison`);
  await queue.create();
});
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) {
    await cleanUp();
  }
});

function app(queues: object = {}, host: object = {}): FixtureApp {
  const written = writeFixtureApp({ source, queues, host });
  cleanUps.push(written.remove);
  return written;
}

async function start(fixture: FixtureApp, environment: Record<string, string> = {}): Promise<StartedFixture> {
  const host = await startFixtureHost(fixture, {
    Store: azurite.connectionString,
    WORK_QUEUE: queue.name.toUpperCase(),
    'AzureWebJobs.switchedOff.Disabled': 'true',
    ...environment,
  });
  cleanUps.push(host.stop);
  return host;
}

/** What the function saw, in order. */
function calls(host: StartedFixture) {
  return host
    .lines('work')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line));
}

async function count(of: QueueClient): Promise<number> {
  return (await of.exists()) ? ((await of.getProperties()).approximateMessagesCount ?? 0) : 0;
}

const eventually = { timeout: 10_000, interval: 30 };

test('A message is delivered as parsed JSON or as text, and deleted after success', async () => {
  const host = await start(app());
  for (const text of ['{"alertId":"da1"}', 'not json', '123']) {
    await queue.sendMessage(text);
  }
  await vi.waitFor(async () => expect(await count(queue)).toBe(0), eventually);
  expect(calls(host)).toEqual(
    expect.arrayContaining([
      expect.objectContaining({ message: { alertId: 'da1' }, type: 'object', dequeueCount: 1 }),
      expect.objectContaining({ message: 'not json', type: 'string' }),
      expect.objectContaining({ message: 123, type: 'number' }),
    ]),
  );
});

test('The metadata carries the message ID unless the payload replaces it', async () => {
  const host = await start(app());
  const sent = await queue.sendMessage('plain');
  await queue.sendMessage('{"Id":"from the payload"}');
  await vi.waitFor(() => expect(calls(host)).toHaveLength(2), eventually);
  expect(calls(host).map(({ id }) => id)).toEqual(
    expect.arrayContaining([sent.messageId, 'from the payload']),
  );
});

test('The start names each function, one that is disabled and one whose setting is missing', async () => {
  const host = await start(app());
  const started = host.logs.filter(({ functionName }) => !functionName).map(({ message }) => message);
  expect(started).toEqual([
    `work: queueTrigger on "${queue.name}"`,
    'switchedOff: disabled by AzureWebJobs.switchedOff.Disabled',
    'unresolved: in error and not started. "%NOT_SET%" needs the setting NOT_SET, and it is not set.',
    `Host is ready: ${host.url}`,
  ]);
});

test('A failing message is tried maxDequeueCount times and then moved, body only, to the poison queue', async () => {
  const host = await start(app({ maxDequeueCount: 3 }));
  const { messageId } = await queue.sendMessage('bad');
  await vi.waitFor(async () => expect(await count(poison)).toBe(1), eventually);
  expect(calls(host).map(({ dequeueCount }) => dequeueCount)).toEqual([1, 2, 3]);
  const [moved] = (await poison.receiveMessages()).receivedMessageItems;
  expect(moved).toMatchObject({ messageText: 'bad', dequeueCount: 1 });
  expect(moved?.messageId).not.toBe(messageId);
  await vi.waitFor(async () => expect(await count(queue)).toBe(0), eventually);
});

test('A failed message waits for visibilityTimeout before its next attempt', async () => {
  const host = await start(app({ visibilityTimeout: '00:00:01', maxDequeueCount: 2 }));
  const sent = Date.now();
  await queue.sendMessage('bad');
  await vi.waitFor(() => expect(calls(host)).toHaveLength(2), eventually);
  expect(Date.now() - sent).toBeGreaterThanOrEqual(900);
});

test('A message that is not base64 goes to the poison queue without a call', async () => {
  const host = await start(app({ messageEncoding: 'base64' }));
  await queue.sendMessage('not base64!');
  await queue.sendMessage(Buffer.from('"fine"').toString('base64'));
  await vi.waitFor(async () => expect(await count(poison)).toBe(1), eventually);
  await vi.waitFor(() => expect(calls(host)).toHaveLength(1), eventually);
  expect(calls(host)[0]).toMatchObject({ message: 'fine' });
  expect((await poison.peekMessages()).peekedMessageItems[0]?.messageText).toBe('not base64!');
});

test('A message that was taken too often is moved without a call', async () => {
  await queue.sendMessage('abandoned');
  for (let attempt = 0; attempt < 2; attempt += 1) {
    const [taken] = (await queue.receiveMessages()).receivedMessageItems;
    if (taken) {
      await queue.updateMessage(taken.messageId, taken.popReceipt, undefined, 0);
    }
  }
  const host = await start(app({ maxDequeueCount: 2 }));
  await vi.waitFor(async () => expect(await count(poison)).toBe(1), eventually);
  expect(calls(host)).toEqual([]);
});

test('Renewal keeps a message hidden for longer than its lease', async () => {
  const fixture = app();
  const lease = { LOCAL_HOST_LEASE_SECONDS: '1' };
  const hosts = [await start(fixture, lease), await start(fixture, lease)];
  await queue.sendMessage('{"takes":2600}');
  await vi.waitFor(async () => expect(await count(queue)).toBe(0), eventually);
  expect(hosts.flatMap(calls)).toHaveLength(1);
});

test('Two hosts share a queue and handle each message once', async () => {
  const fixture = app({ batchSize: 2, newBatchThreshold: 1 });
  const hosts = [await start(fixture), await start(fixture)];
  const texts = Array.from({ length: 40 }, (_, index) => `{"takes":20,"number":${index}}`);
  await Promise.all(texts.map((text) => queue.sendMessage(text)));
  await vi.waitFor(async () => expect(await count(queue)).toBe(0), eventually);
  const shares = hosts.map((host) => calls(host).map(({ message }) => message.number));
  expect(shares.flat().toSorted((one, other) => one - other)).toEqual(texts.map((_, index) => index));
  expect(Math.min(...shares.map((share) => share.length))).toBeGreaterThan(0);
});

test('A function that exceeds functionTimeout fails its message and a new process goes on', async () => {
  const host = await start(app({ maxDequeueCount: 1 }, { functionTimeout: '00:00:01' }));
  await queue.sendMessage('{"takes":60000}');
  await vi.waitFor(async () => expect(await count(poison)).toBe(1), eventually);
  expect(host.lines('work')).toContain('Failed: "work" exceeded the functionTimeout of 1 s.');
  await queue.sendMessage('after');
  await vi.waitFor(() => expect(host.lines('work')).toContain('done'), eventually);
});

test('A stop lets the function in flight finish and deletes its message', async () => {
  const host = await start(app());
  await queue.sendMessage('{"takes":700}');
  await vi.waitFor(() => expect(calls(host)).toHaveLength(1), eventually);
  await host.stop();
  expect(host.lines('work').at(-1)).toBe('done');
  expect(await count(queue)).toBe(0);
});

test('A queue that is missing at the start is found once it is there', async () => {
  await queue.delete();
  const host = await start(app());
  const later = QueueServiceClient.fromConnectionString(azurite.connectionString).getQueueClient(queue.name);
  await vi.waitFor(() => later.create(), eventually);
  await later.sendMessage('late');
  await vi.waitFor(() => expect(calls(host)).toHaveLength(1), eventually);
});

test('A storage account that refuses the key stops the host with the reason', async () => {
  const wrongKey = azurite.connectionString.replace(/AccountKey=[^;]+/, 'AccountKey=d3Jvbmc=');
  const host = await start(app(), { Store: wrongKey });
  await expect(host.closed).rejects.toThrow(
    `The queue "${queue.name}" of the connection "Store" refused the host`,
  );
});
