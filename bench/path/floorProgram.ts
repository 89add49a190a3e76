/**
 * The floor, measured: `floorProgram.ts <app folder> <run of the app> <this run> <ledger reads an alert> <ledger writes
 * an alert> <warm-up> <measured>`. It asks storage and Defender for what the app asks them, in the same order, with the
 * same libraries and contents of the same size, as many alerts at a time, and does nothing else.
 */
import { Agent } from 'node:http';
import { TableClient } from '@azure/data-tables';
import { type DequeuedMessageItem, QueueServiceClient } from '@azure/storage-queue';
import got from 'got';
import { readHostJson } from '#dev/host/hostJson.ts';
import { DEVICE_ROW_KEY } from '#shared/storage/enrichmentTable.ts';
import { meterThisProcess } from './measured.ts';
import { namesOfRun } from './names.ts';
import { readSpecimens } from './specimens.ts';

const [, , appRoot = '', ...numbers] = process.argv;
const [appRun = 0, ownRun = 0, readShare = 0, writeShare = 0, warmUp = 0, measured = 0] = numbers.map(Number);
const { AlertsStorage = '', DEFENDER_API_URL, IDENTITY_ENDPOINT, IDENTITY_HEADER } = process.env;
const LEASE_SECONDS = 600;

const queues = QueueServiceClient.fromConnectionString(AlertsStorage);
const openTable = (name: string) =>
  TableClient.fromConnectionString(AlertsStorage, name, { allowInsecureConnection: true });
const models = namesOfRun(appRun);
const { ledger, alerts: specimens } = await readSpecimens(
  openTable(models.ENRICHMENTS_TABLE),
  queues.getQueueClient(models.ENRICHMENTS_QUEUE),
  openTable(models.STATE_TABLE),
);

const names = namesOfRun(ownRun);
const alerts = queues.getQueueClient(names.ALERTS_QUEUE);
const enrichments = queues.getQueueClient(names.ENRICHMENTS_QUEUE);
const rows = openTable(names.ENRICHMENTS_TABLE);
const state = openTable(names.STATE_TABLE);
await state.createEntity(ledger);

const token = await got(
  `${IDENTITY_ENDPOINT}?api-version=2019-08-01&resource=https://api.securitycenter.microsoft.com`,
  {
    headers: { 'x-identity-header': IDENTITY_HEADER },
  },
).json<{ access_token: string }>();
const defender = got.extend({
  agent: { http: new Agent({ keepAlive: true }) },
  retry: { limit: 0 },
  headers: { authorization: `Bearer ${token.access_token}` },
});

let begun = 0;
const onDone = meterThisProcess({ warmUp, measured });

async function handle({ messageText: alertId, messageId, popReceipt }: DequeuedMessageItem): Promise<void> {
  const number = begun++;
  const specimen = specimens[number % specimens.length];
  if (specimen === undefined) {
    throw new Error('The run of the app has left no enrichments.');
  }
  const key = { partitionKey: alertId, rowKey: DEVICE_ROW_KEY };

  const created = await rows.createEntity({ ...key, ...specimen.claim });
  if (isDue(number, readShare)) {
    await state.getEntity(ledger.partitionKey, ledger.rowKey);
  }
  if (isDue(number, writeShare)) {
    await state.updateEntity(ledger, 'Replace');
  }
  await defender(`${DEFENDER_API_URL}/api/alerts/${encodeURIComponent(alertId)}/machine`).text();
  const stored = await rows.updateEntity({ ...key, ...specimen.answer }, 'Replace', {
    etag: created.etag ?? '',
  });
  await enrichments.sendMessage(specimen.message, { messageTimeToLive: -1 });
  await rows.updateEntity({ ...key, ...specimen.published }, 'Merge', { etag: stored.etag ?? '' });
  onDone();
  await alerts.deleteMessage(messageId, popReceipt);
}

/** Whether one of the requests falls to this alert, where so many are made for each alert. */
function isDue(number: number, share: number): boolean {
  return Math.floor((number + 1) * share) > Math.floor(number * share);
}

const { batchSize, newBatchThreshold } = readHostJson(appRoot).extensions.queues;
const inFlight = new Set<Promise<void>>();
for (;;) {
  const { receivedMessageItems } = await alerts.receiveMessages({
    numberOfMessages: batchSize,
    visibilityTimeout: LEASE_SECONDS,
  });
  for (const message of receivedMessageItems) {
    const handled = handle(message).finally(() => inFlight.delete(handled));
    inFlight.add(handled);
  }
  while (inFlight.size > newBatchThreshold) {
    await Promise.race(inFlight);
  }
}
