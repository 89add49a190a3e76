import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { TableClient } from '@azure/data-tables';
import { type QueueClient, QueueServiceClient } from '@azure/storage-queue';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Azurite, startAzurite } from '#dev/stack/azurite.ts';
import { type HostProcess, startHostProcess } from '#dev/stack/hostProcess.ts';
import { createApplication } from '#shared/application.ts';
import { readSettings } from '#shared/config/settings.ts';
import { type Enrichment, enrichmentSchema } from '#shared/enrichment/enrichment.ts';
import { toParts } from '#shared/storage/textParts.ts';
import { waitUntil } from '../support/waitUntil.ts';

const projectRoot = fileURLToPath(new URL('../../', import.meta.url));
const sample = (name: string): Enrichment =>
  enrichmentSchema.parse(JSON.parse(readFileSync(`${projectRoot}docs/schema/examples/${name}.json`, 'utf8')));

let appRoot: string;
let azurite: Azurite;
let host: HostProcess;
let enrichments: QueueClient;
let poison: QueueClient;
let submissions = 0;

beforeAll(async () => {
  appRoot = createAppRoot();
  azurite = await startAzurite();
  const service = QueueServiceClient.fromConnectionString(azurite.connectionString);
  enrichments = service.getQueueClient('enrichments');
  poison = service.getQueueClient('enrichments-poison');
  await enrichments.create();
  const settings = {
    AZURE_FUNCTIONS_ENVIRONMENT: 'Development',
    EnrichmentsStorage: azurite.connectionString,
    ENRICHMENTS_QUEUE: 'enrichments',
  };
  host = await startHostProcess({ settings, appRoot });
});

afterAll(async () => {
  await host.stop();
  await azurite.stop();
  rmSync(appRoot, { recursive: true });
});

/** The example as it is, but for a host that looks and redelivers at once. */
function createAppRoot(): string {
  const path = mkdtempSync(join(tmpdir(), 'consumer-'));
  cpSync(join(projectRoot, 'examples/consumer-function'), path, { recursive: true });
  symlinkSync(join(projectRoot, 'node_modules'), join(path, 'node_modules'), 'junction');
  const hostJson = JSON.parse(readFileSync(join(path, 'host.json'), 'utf8'));
  Object.assign(hostJson.extensions.queues, {
    maxPollingInterval: '00:00:00.200',
    visibilityTimeout: '00:00:00',
  });
  writeFileSync(join(path, 'host.json'), JSON.stringify(hostJson));
  return path;
}

/** Publishes as the app does under this setting. */
async function publish(enrichment: Enrichment, envelope = 'plain'): Promise<void> {
  const settings = readSettings({ AlertsStorage: azurite.connectionString, OUTPUT_ENVELOPE: envelope });
  await createApplication(settings, false).pipeline.outbox.publish(enrichment);
}

/** The enrichment as that of another submission and alert. */
function another(enrichment: Enrichment): Enrichment {
  submissions += 1;
  return { ...enrichment, alertId: `da${submissions}_1`, submissionId: `submission-${submissions}` };
}

/** Waits for lines of the function's log that hold the text. */
function logged(text: string, count = 1): Promise<unknown> {
  return waitUntil(`the log says ${count} times: ${text}`, () => timesLogged(text) >= count);
}

function timesLogged(text: string): number {
  return host.output.filter((line) => line.includes(text)).length;
}

test.each(['plain', 'cloudevents'])('all outcomes are handled, with envelope %s', async (envelope) => {
  const enriched = another(sample('enrichment'));
  const notFound = another(sample('enrichment-not-found'));
  const failed: Enrichment = {
    ...another(sample('enrichment-not-found')),
    outcome: 'failed',
    error: { code: 'source_rejected', message: 'Defender refused it.' },
  };
  for (const enrichment of [enriched, notFound, failed]) {
    await publish(enrichment, envelope);
  }
  await logged(`${enriched.alertId}: ${enriched.device?.hostname}, risk ${enriched.device?.risk.value}`);
  await logged(`${notFound.alertId}: Defender knows no device`);
  await logged(`${failed.alertId}: could not be enriched (source_rejected)`);
});

test('a submission that comes twice is handled once', async () => {
  const enrichment = another(sample('enrichment'));
  await publish(enrichment);
  await logged(`${enrichment.alertId}: ${enrichment.device?.hostname}`);
  await publish(enrichment);
  await logged(`${enrichment.alertId}: handled already, as submission ${enrichment.submissionId}`);
  expect(timesLogged(`${enrichment.alertId}: ${enrichment.device?.hostname}`)).toBe(1);
});

test('the device of a pointer is read from the row', async () => {
  const { device, ...rest } = another(sample('enrichment'));
  if (device === undefined) {
    throw new Error('the sample has no device');
  }
  const tags = Array.from({ length: 3_000 }, (_, index) => `a rather long tag ${index}`);
  const enrichment: Enrichment = { ...rest, device: { ...device, hostname: 'of-the-row', tags } };
  const options = { allowInsecureConnection: true };
  const table = TableClient.fromConnectionString(azurite.connectionString, 'AlertEnrichments', options);
  await table.createTable();
  const columns = toParts('device', JSON.stringify(enrichment.device));
  expect(Object.keys(columns).length).toBeGreaterThan(1);
  await table.upsertEntity({ partitionKey: enrichment.alertId, rowKey: 'device', ...columns });
  await publish(enrichment);
  await logged(`${enrichment.alertId}: of-the-row, risk`);
});

test('a message of a version that is not known is kept in the poison queue', async () => {
  const text = JSON.stringify({ ...another(sample('enrichment')), schemaVersion: '2.0' });
  await enrichments.sendMessage(Buffer.from(text).toString('base64'));
  const kept = await waitUntil('the message is in the poison queue', async () => {
    if (!(await poison.exists())) {
      return undefined;
    }
    return (await poison.receiveMessages()).receivedMessageItems[0];
  });
  expect(Buffer.from(kept.messageText, 'base64').toString('utf8')).toBe(text);
  await logged('Version 2.0 is not known');
});
