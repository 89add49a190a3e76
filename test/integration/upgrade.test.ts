import { readFileSync } from 'node:fs';
import { TableClient, TableServiceClient } from '@azure/data-tables';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Stack, startStack } from '#dev/stack/stack.ts';
import { type Pipeline, startPipeline } from '../support/pipelineHarness.ts';

const TIME = /^\d{4}-\d\d-\d\dT[\d:.]+Z$/;

/** What a deployment of one tenant held before there could be several: rows and a message that was put back. */
const recorded = JSON.parse(
  readFileSync(new URL('../fixtures/deployment/beforeTenants.json', import.meta.url), 'utf8'),
  (_, value: unknown) => (typeof value === 'string' && TIME.test(value) ? new Date(value) : value),
) as {
  message: { submission: { alertId: string; submissionId: string } };
  enrichments: Entity[];
  state: Entity[];
};
interface Entity extends Record<string, unknown> {
  partitionKey: string;
  rowKey: string;
}

const WINDOW_MS = 3_000;
/** Those of the first pipeline of a test file. */
const [ALERTS_QUEUE, ENRICHMENTS_TABLE, STATE_TABLE] = ['alerts-1', 'AlertEnrichments1', 'EnrichmentState1'];
const [answered = '', waiting = ''] = recorded.enrichments.map(({ partitionKey }) => partitionKey);
let stack: Stack;
let pipeline: Pipeline;
let recordedAt: number;

beforeAll(async () => {
  stack = await startStack({ simulator: { alerts: 20, roles: ['Machine.Read.All', 'Alert.Read.All'] } });
  recordedAt = Date.now();
  const past = new Date(recordedAt - 60_000);
  const soon = new Date(recordedAt + 30_000);
  await fill(ENRICHMENTS_TABLE, [
    { ...found(recorded.enrichments, answered), enrichedAt: past, retrievedAt: past },
    { ...found(recorded.enrichments, waiting), claimExpiresAt: soon },
  ]);
  await fill(STATE_TABLE, [
    { ...found(recorded.state, 'alert-poll'), watermark: past, completedAt: past },
    // Calls at this moment: all that the limit allows.
    {
      ...found(recorded.state, 'api.securitycenter.microsoft.com:system'),
      calls: `${recordedAt.toString(36)} 0 0`,
    },
  ]);
  const queue = stack.queues.getQueueClient(ALERTS_QUEUE);
  await queue.create();
  await queue.sendMessage(Buffer.from(JSON.stringify(recorded.message)).toString('base64'));
  pipeline = await startPipeline(stack, {
    DEFENDER_RATE_LIMITS: '3/3s',
    ALERT_POLL_SCHEDULE: '*/3 * * * * *',
    AZURE_FUNCTIONS_ENVIRONMENT: 'Development',
  });
});
afterAll(() => stack.stop());

test('an alert that was answered before is answered from its row, without a call and without a tenant', async () => {
  await pipeline.submit(answered);
  const { enrichment } = await pipeline.enrichmentOf(answered);
  expect(enrichment).toMatchObject({ outcome: 'enriched', reused: true });
  expect(enrichment).not.toHaveProperty('tenantId');
  const { control } = stack.simulator;
  expect(control.calls().filter(({ alertId }) => alertId === answered)).toEqual([]);
});

test('a message that was put back before goes on where it was, once the calls of before have left the window', async () => {
  const { enrichment } = await pipeline.enrichmentOf(waiting);
  const { submissionId } = recorded.message.submission;
  expect(enrichment).toMatchObject({ outcome: 'enriched', submissionId, attempts: 2 });
  const [first] = stack.simulator.control.calls();
  expect(first?.time).toBeGreaterThanOrEqual(recordedAt + WINDOW_MS);
});

test('every row keeps its key, and new ones have no tenant in theirs', async () => {
  const [fresh = ''] = stack.simulator.control.addNewAlerts(1).map(({ id }) => id);
  await pipeline.submit(fresh);
  await pipeline.enrichmentOf(fresh);
  const rows = await pipeline.rows();
  const expected = [answered, waiting, fresh].map((alertId) => `${alertId} device`);
  expect(keysOf(rows)).toEqual(expect.arrayContaining(expected));
  // The poller adds alerts of its own.
  expect(keysOf(rows).filter((key) => !key.endsWith(' device'))).toEqual([]);
  const stateKeys = keysOf(await readAll(open(STATE_TABLE).listEntities()));
  expect(stateKeys).toEqual(
    expect.arrayContaining(['alert-poll watermark', 'api.securitycenter.microsoft.com:system ledger']),
  );
  // One ledger still, and nothing that begins with a tenant.
  expect(stateKeys.filter((key) => key.endsWith(' ledger'))).toHaveLength(1);
  expect(stateKeys.filter((key) => /^[0-9a-f]{8}-/.test(key))).toEqual([]);
  expect(await tableNames()).toEqual([ENRICHMENTS_TABLE, STATE_TABLE]);
});

function found(entities: readonly Entity[], partitionKey: string): Entity {
  const entity = entities.find((candidate) => candidate.partitionKey === partitionKey);
  if (entity === undefined) {
    throw new Error(`The fixture has no row of ${partitionKey}.`);
  }
  return entity;
}

function open(name: string): TableClient {
  return TableClient.fromConnectionString(stack.azurite.connectionString, name, {
    allowInsecureConnection: true,
  });
}

async function fill(name: string, entities: readonly Entity[]): Promise<void> {
  const table = open(name);
  await table.createTable();
  await Promise.all(entities.map((entity) => table.createEntity(entity)));
}

async function readAll<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const all: Item[] = [];
  for await (const item of items) {
    all.push(item);
  }
  return all;
}

async function tableNames(): Promise<(string | undefined)[]> {
  const { connectionString } = stack.azurite;
  const tables = TableServiceClient.fromConnectionString(connectionString, { allowInsecureConnection: true });
  return (await readAll(tables.listTables())).map(({ name }) => name).toSorted();
}

function keysOf(rows: readonly Record<string, unknown>[]): string[] {
  return rows.map(({ partitionKey, rowKey }) => `${partitionKey} ${rowKey}`).toSorted();
}
