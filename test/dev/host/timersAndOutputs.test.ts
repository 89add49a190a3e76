import { QueueServiceClient } from '@azure/storage-queue';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { type Azurite, startAzurite } from '#dev/stack/azurite.ts';
import { type FixtureApp, type StartedFixture, startFixtureHost, writeFixtureApp } from './fixtureApp.ts';

const source = `
const store = { connection: 'Store' };
const letters = output.storageQueue({ queueName: '%LETTERS%', ...store });
app.timer('often', { schedule: '* * * * * *', handler: (timer, context) => context.log(JSON.stringify(timer)) });
app.timer('seldom', {
  schedule: '0 0 0 1 1 *',
  runOnStartup: true,
  extraOutputs: [letters],
  handler: (timer, context) => {
    context.extraOutputs.set(letters, ['one', { two: 2 }]);
  },
});
app.storageQueue('reader', {
  queueName: '%LETTERS%',
  ...store,
  handler: (message, context) => context.log(JSON.stringify(message)),
});
app.timer('unsupported', {
  schedule: '0 * * * * *',
  extraOutputs: [output.storageBlob({ path: 'a/b', ...store })],
  handler: () => {},
});
`;

let azurite: Azurite;
let app: FixtureApp;
let host: StartedFixture;
beforeAll(async () => {
  azurite = await startAzurite();
  // Base64 as in a fresh app, and a poll so slow that only the host's own notice can be in time.
  const queues = { messageEncoding: 'base64', maxPollingInterval: '01:00:00' };
  app = writeFixtureApp({ source, queues });
  host = await startFixtureHost(app, { Store: azurite.connectionString, LETTERS: 'letters' });
});
afterAll(async () => {
  await host.stop();
  await azurite.stop();
  app.remove();
});

test('A timer fires on its schedule with that as its input', async () => {
  await vi.waitFor(() => expect(host.lines('often').length).toBeGreaterThanOrEqual(2), 5_000);
  expect(JSON.parse(host.lines('often')[0] ?? '')).toEqual({
    schedule: { adjustForDST: true },
    scheduleStatus: null,
    isPastDue: false,
  });
});

test('Output to a queue gives a message per element, in the encoding that the trigger reads', async () => {
  await vi.waitFor(() => expect(host.lines('reader').toSorted()).toEqual(['"one"', '{"two":2}']), 5_000);
});

test('A binding that the local host lacks is named, and the other functions run', () => {
  expect(host.logs).toContainEqual({
    level: 'error',
    message:
      'unsupported: in error and not started. ' +
      'The output binding "blob" is not supported by the local host (queue).',
  });
});

test('An output that cannot be written fails the call and its message', async () => {
  const failing = writeFixtureApp({
    source: `
      const letters = output.storageQueue({ queueName: 'no/queue', connection: 'Store' });
      app.storageQueue('writer', {
        queueName: 'failing', connection: 'Store', extraOutputs: [letters],
        handler: (message, context) => context.extraOutputs.set(letters, 'one'),
      });`,
    queues: { maxDequeueCount: 1 },
  });
  const writer = await startFixtureHost(failing, { Store: azurite.connectionString });
  const account = QueueServiceClient.fromConnectionString(azurite.connectionString);
  await account.createQueue('failing');
  await account.getQueueClient('failing').sendMessage('go');
  const poison = account.getQueueClient('failing-poison');
  await vi.waitFor(
    async () => expect((await poison.peekMessages()).peekedMessageItems).toHaveLength(1),
    5_000,
  );
  expect(writer.lines('writer')[0]).toContain('Failed: its output could not be written.');
  await writer.stop();
  failing.remove();
});
