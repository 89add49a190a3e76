import { QueueServiceClient } from '@azure/storage-queue';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { type CoreLog, type FunctionsCore, installFunctionsCore } from '#dev/host/functionsCore.ts';
import { type RunningSimulator, startSimulator } from '#dev/simulator/simulator.ts';
import { type Azurite, startAzurite } from '#dev/stack/azurite.ts';
import { enrichmentSchema } from '#shared/enrichment/enrichment.ts';
import { deadLetterSchema } from '#shared/pipeline/outbox.ts';

let azurite: Azurite;
let simulator: RunningSimulator;
let core: FunctionsCore;
let queues: QueueServiceClient;
const logs: CoreLog[] = [];

beforeAll(async () => {
  [azurite, simulator] = await Promise.all([startAzurite(), startSimulator({ machines: 5, alerts: 5 })]);
  queues = QueueServiceClient.fromConnectionString(azurite.connectionString);
  vi.stubEnv('AlertsStorage', azurite.connectionString);
  vi.stubEnv('ALERTS_QUEUE', 'our-alerts');
  vi.stubEnv('AZURE_FUNCTIONS_ENVIRONMENT', 'Development');
  vi.stubEnv('DEFENDER_API_URL', simulator.apiUrl);
  vi.stubEnv('IDENTITY_ENDPOINT', simulator.identityEndpoint);
  vi.stubEnv('IDENTITY_HEADER', simulator.identityHeader);
  core = installFunctionsCore((entry) => logs.push(entry));
  await import('#functions/main.ts');
  await core.start();
});

afterAll(async () => {
  vi.unstubAllEnvs();
  await Promise.all([simulator.close(), azurite.stop()]);
});

function metadataOf(functionName: string) {
  return core.functions.find(({ name }) => name === functionName);
}

function bindingsOf(functionName: string) {
  return Object.values(metadataOf(functionName)?.bindings ?? {}).filter(
    ({ direction }) => direction === 'in',
  );
}

async function handle(body: string, id: string) {
  logs.length = 0;
  const [trigger = ''] = Object.keys(metadataOf('enrichAlert')?.bindings ?? {});
  await core.invoke('enrichAlert', {
    invocationId: 'invocation-1',
    inputData: [{ name: trigger, data: { string: body } }],
    triggerMetadata: { Id: { string: id } },
    traceContext: { traceParent: '', traceState: '', attributes: {} },
  });
  const events = logs.flatMap(({ category, message }) => (category === 'user' ? [JSON.parse(message)] : []));
  // The report on the quota comes once a minute, with whichever message is there.
  return events.filter(({ event }) => event !== 'quota') as unknown[];
}

async function messagesOf(queueName: string): Promise<unknown[]> {
  const { receivedMessageItems } = await queues.getQueueClient(queueName).receiveMessages();
  return receivedMessageItems.map(({ messageText }) =>
    JSON.parse(Buffer.from(messageText, 'base64').toString()),
  );
}

test('the function listens on the queue that the settings name, over their connection', () => {
  const [binding] = bindingsOf('enrichAlert');
  expect(binding).toMatchObject({
    type: 'queueTrigger',
    queueName: 'our-alerts',
    connection: 'AlertsStorage',
  });
});

test('the HTTP functions ask for a key, but for the one that says that the app is alive', () => {
  const http = core.functions
    .flatMap(({ name }) => bindingsOf(name))
    .filter(({ type }) => type === 'httpTrigger');
  expect(http.map(({ route, authLevel }) => [route, authLevel])).toEqual([
    ['enrichments', 'function'],
    ['enrichments/{alertId}', 'function'],
    ['quota', 'function'],
    ['health', 'function'],
    ['live', 'anonymous'],
  ]);
});

test('its queues are there before the first message', async () => {
  const names = [];
  for await (const { name } of queues.listQueues()) {
    names.push(name);
  }
  expect(names.sort()).toEqual(['enrichments', 'our-alerts', 'our-alerts-poison']);
});

test('an alert comes out enriched, with one line in the log and no token in it', async () => {
  const [alertId = ''] = simulator.control.alertIds(1);
  const submissionId = '3a2f0c52-0000-4000-8000-000000000001';
  const lines = await handle(alertId, submissionId);
  expect(lines).toMatchObject([
    { event: 'submission', alertId, submissionId, result: 'enriched', attempts: 1 },
  ]);
  const [enrichment] = await messagesOf('enrichments');
  expect(enrichmentSchema.parse(enrichment)).toMatchObject({ outcome: 'enriched', alertId, submissionId });
  const [token] = simulator.control.issuedTokens();
  expect(token).toBeDefined();
  expect(JSON.stringify([logs, enrichment])).not.toContain(token);
});

test('what is no alert becomes a dead letter, and the function ends well', async () => {
  const lines = await handle('no alert at all', '3a2f0c52-0000-4000-8000-000000000002');
  expect(lines).toMatchObject([{ event: 'rejected' }]);
  const [letter] = await messagesOf('our-alerts-poison');
  expect(deadLetterSchema.parse(letter)).toMatchObject({ original: 'no alert at all', attempts: 0 });
});

test('when a queue is missing the function fails, so that the message comes again', async () => {
  await queues.getQueueClient('our-alerts-poison').delete();
  await expect(handle('again no alert', '3a2f0c52-0000-4000-8000-000000000003')).rejects.toMatchObject({
    statusCode: 404,
  });
});
