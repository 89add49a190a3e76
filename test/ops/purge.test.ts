import { TableClient } from '@azure/data-tables';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Azurite, startAzurite } from '#dev/stack/azurite.ts';
import { purge } from '#ops/purge/purge.ts';
import { purgeLines, readAge } from '#ops/purge/purgeCommand.ts';
import { EMPTY_LEDGER } from '#shared/quota/ledger.ts';
import { createStorageClock } from '#shared/quota/storageClock.ts';
import { createEnrichmentTable } from '#shared/storage/enrichmentTable.ts';
import { createLedgerTable } from '#shared/storage/ledgerTable.ts';
import { createPartTable } from '#shared/storage/partTable.ts';
import { runOps } from './commandLine.ts';

const HOUR_MS = 3_600_000;
/** Rows cannot be made older than they are: instead, time goes on. */
const muchLater = new Date(Date.now() + 1_000 * HOUR_MS);

let azurite: Azurite;
let tables = 0;
beforeAll(async () => {
  azurite = await startAzurite();
});
afterAll(() => azurite.stop());

async function openTable(name: string): Promise<TableClient> {
  const options = { allowInsecureConnection: true };
  const table = TableClient.fromConnectionString(azurite.connectionString, name, options);
  await table.createTable();
  return table;
}

/** Two tables with rows of every kind, as the app writes them. */
async function createTables() {
  tables += 1;
  const [enrichments, state] = await Promise.all([openTable(`Alerts${tables}`), openTable(`State${tables}`)]);
  const records = createEnrichmentTable(enrichments);
  const claim = (submissionId: string, expiresAt: Date) => ({
    submissionId,
    messageId: submissionId,
    key: `key-${submissionId}`,
    expiresAt,
  });
  async function answer(alertId: string) {
    const record = await records.create(alertId, claim(alertId, muchLater));
    const stored =
      record &&
      (await records.store(record, {
        outcome: 'not_found',
        submissionId: alertId,
        sourceName: 'defender',
        retrievedAt: new Date(),
        storedAt: new Date(),
        attempts: 1,
      }));
    return stored && (await records.addPublished(stored, alertId));
  }
  const claimAgain = async (alertId: string, expiresAt: Date) => {
    const record = await records.read(alertId);
    return record && records.claim(record, claim(`again-${alertId}`, expiresAt));
  };
  const keysOf = async (table: TableClient) => {
    const keys: string[] = [];
    for await (const { partitionKey, rowKey } of table.listEntities()) {
      keys.push(`${partitionKey}/${rowKey}`);
    }
    return keys.sort();
  };
  const run = (changes: Partial<Parameters<typeof purge>[2]> = {}, isDryRun = false) =>
    purge(new Date(muchLater.getTime() - HOUR_MS), isDryRun, {
      enrichments,
      state,
      now: () => muchLater,
      onProgress: () => undefined,
      signal: new AbortController().signal,
      ...changes,
    });
  return { enrichments, state, records, answer, claimAgain, keysOf, run };
}

/** The table with a deletion that does something first. */
function before(table: TableClient, step: (partitionKey: string) => Promise<void> | void): TableClient {
  const changed = Object.create(table) as TableClient;
  changed.deleteEntity = async (partitionKey, rowKey, options) => {
    await step(partitionKey);
    return table.deleteEntity(partitionKey, rowKey, options);
  };
  return changed;
}

test('what is old and has an answer goes; what waits, is claimed or is of the app itself stays', async () => {
  const { enrichments, state, records, answer, claimAgain, keysOf, run } = await createTables();
  await Promise.all(['old-1', 'old-2', 'claimed', 'claim-ran-out'].map(answer));
  await claimAgain('claimed', new Date(muchLater.getTime() + HOUR_MS));
  await claimAgain('claim-ran-out', new Date(muchLater.getTime() - HOUR_MS));
  await records.announce('announced');
  await createPartTable(state).writeDevice('device-1', {
    part: new Map([['x', 'y']]),
    retrievedAt: new Date(),
  });
  const clock = createStorageClock(Date.now);
  await createLedgerTable(state, 'api:app', clock, Date.now).write(EMPTY_LEDGER, undefined);

  const everything = await keysOf(enrichments);
  const dryRun = await run({}, true);
  expect(dryRun).toMatchObject({ alerts: 3, deviceRecords: 1, pending: 1, busy: 1, isComplete: true });
  expect(await keysOf(enrichments)).toEqual(everything);

  expect(await run()).toEqual(dryRun);
  expect(await keysOf(enrichments)).toEqual(['announced/device', 'claimed/device']);
  expect(await keysOf(state)).toEqual(['api:app/ledger']);
  expect(await run()).toMatchObject({ alerts: 0, deviceRecords: 0, pending: 1, busy: 1 });
});

test('what was written since stays', async () => {
  const { answer, keysOf, enrichments, run } = await createTables();
  await answer('young');
  const longAgo = new Date(Date.now() - HOUR_MS);
  const report = await purge(longAgo, false, {
    enrichments,
    state: enrichments,
    now: () => new Date(),
    onProgress: () => undefined,
    signal: new AbortController().signal,
  });
  expect(report).toMatchObject({ alerts: 0, pending: 0, busy: 0, oldest: undefined });
  expect(await keysOf(enrichments)).toEqual(['young/device']);
  expect(await run()).toMatchObject({ alerts: 1 });
});

test('an alert that comes again just before its row would go keeps it', async () => {
  const { enrichments, answer, claimAgain, keysOf, run } = await createTables();
  await Promise.all(['alert-1', 'alert-2'].map(answer));
  const contended = before(enrichments, async (alertId) => {
    if (alertId === 'alert-1') {
      await claimAgain(alertId, new Date(muchLater.getTime() - HOUR_MS));
    }
  });
  expect(await run({ enrichments: contended })).toMatchObject({ alerts: 1, busy: 1 });
  expect(await keysOf(enrichments)).toEqual(['alert-1/device']);
});

test('one that is interrupted says so, and the next goes on from there', async () => {
  const { enrichments, answer, keysOf, run } = await createTables();
  const alerts = Array.from({ length: 80 }, (_, index) => `alert-${index}`);
  await Promise.all(alerts.map(answer));
  const interrupt = new AbortController();
  let deletions = 0;
  const interrupted = before(enrichments, () => {
    deletions += 1;
    if (deletions === 10) {
      interrupt.abort();
    }
  });
  const first = await run({ enrichments: interrupted, signal: interrupt.signal });
  expect(first.isComplete).toBe(false);
  expect(first.alerts).toBeGreaterThanOrEqual(10);
  expect(first.alerts).toBeLessThan(80);
  expect(await keysOf(enrichments)).toHaveLength(80 - first.alerts);
  expect(await run()).toMatchObject({ alerts: 80 - first.alerts, isComplete: true });
  expect(await keysOf(enrichments)).toEqual([]);
});

describe('the command', () => {
  const timing = { maxAgeMs: 24 * HOUR_MS, reuseForMs: 900_000 };

  test('takes an age that no alert at work can have', () => {
    expect(readAge('90d', timing)).toBe(90 * 24 * HOUR_MS);
    for (const text of ['23h', '0', 'soon', '-1d', '']) {
      expect(() => readAge(text, timing)).toThrow(/at least 1d/);
    }
  });

  test('sums up for a person', () => {
    const report = {
      alerts: 1_200,
      deviceRecords: 1,
      pending: 2,
      busy: 0,
      oldest: new Date(0),
      isComplete: false,
    };
    expect(purgeLines(report, new Date(1_000), true)).toEqual([
      'Would delete 1,200 rows of alerts and 1 kept device record, last written before 1970-01-01T00:00:01Z.',
      'The oldest row of an alert was last written at 1970-01-01T00:00:00Z.',
      'Left alone: 2 rows without an answer. Those alerts wait, or their messages are dead letters: npm run ops -- dead-letters',
      'Interrupted. What is deleted stays deleted; run it again to go on.',
    ]);
  });

  test('runs on the tables of the settings', async () => {
    await Promise.all([openTable('AlertEnrichments'), openTable('EnrichmentState')]);
    const settings = { AlertsStorage: azurite.connectionString, AZURE_FUNCTIONS_ENVIRONMENT: 'Development' };
    const { output, exitCode } = await runOps(settings, 'purge', '--older-than', '90d', '--dry-run');
    expect(output).toMatch(/^Would delete 0 rows of alerts and 0 kept device records/);
    expect(exitCode).toBe(0);
  });
});
