import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { fileURLToPath } from 'node:url';
import { TableClient } from '@azure/data-tables';
import { QueueServiceClient } from '@azure/storage-queue';
import { unzipSync } from 'fflate';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import * as z from 'zod';
import { packageFiles, writePackage } from '#dev/package/packageFiles.ts';
import { PUBLISHED_KEY } from '#dev/stack/azurite.ts';
import { type IdentityStack, startIdentityStack } from '#dev/stack/identityStack.ts';
import { readTokenClaims } from '#shared/sources/accessToken.ts';
import { runOps } from '../ops/commandLine.ts';
import { type Pipeline, startPipeline } from '../support/pipelineHarness.ts';
import { secretsOf } from '../support/secrets.ts';

const STORAGE = 'https://storage.azure.com';
let workshop: string;
let appRoot: string;
let stack: IdentityStack;
let pipeline: Pipeline;

beforeAll(async () => {
  workshop = mkdtempSync(join(tmpdir(), 'package-'));
  appRoot = mkdtempSync(join(tmpdir(), 'packaged-app-'));
  const packing = packageFiles().then((files) => writePackage(files, join(workshop, 'package')));
  [stack] = await Promise.all([startIdentityStack(), packing]);
  const entries = unzipSync(readFileSync(join(workshop, 'package.zip')));
  for (const [name, content] of Object.entries(entries)) {
    writeFileSync(join(appRoot, name), content);
  }
  setDefaultCACertificates([...getCACertificates(), stack.authority]);
  pipeline = await startPipeline(stack, {}, appRoot);
});
afterAll(async () => {
  await stack.stop();
  for (const folder of [workshop, appRoot]) {
    rmSync(folder, { recursive: true });
  }
});

/** The key of the emulator's account, which only this test has. */
function ownKey(): string {
  const [, key = ''] = /AccountKey=([^;]+)/.exec(stack.azurite.connectionString) ?? [];
  return key;
}

/** Settings that would open the storage account without an identity. */
function keysIn(environment: Readonly<Record<string, string>>): string[] {
  const marks = [ownKey(), PUBLISHED_KEY, 'AccountKey=', 'sig=', 'UseDevelopmentStorage'];
  return Object.keys(environment).filter((name) => marks.some((mark) => environment[name]?.includes(mark)));
}

/** A token that the identity endpoint issues to the app's identity. */
async function tokenFor(resource: string): Promise<string> {
  const { IDENTITY_ENDPOINT = '', IDENTITY_HEADER = '', AZURE_CLIENT_ID = '' } = pipeline.settings;
  const query = new URLSearchParams({ resource, 'api-version': '2019-08-01', client_id: AZURE_CLIENT_ID });
  const response = await fetch(`${IDENTITY_ENDPOINT}?${query}`, {
    headers: { 'X-IDENTITY-HEADER': IDENTITY_HEADER },
  });
  return z.object({ access_token: z.string() }).parse(await response.json()).access_token;
}

/** What queue and table answer to somebody who reads with this authorization. */
function statusesFor(authorization: Record<string, string>): Promise<number[]> {
  const { ALERTS_QUEUE, ENRICHMENTS_TABLE } = pipeline.settings;
  const { queue, table } = stack.azurite.serviceUris;
  const headers = { 'x-ms-version': '2021-12-02', Accept: 'application/json', ...authorization };
  const addresses = [`${queue}/${ALERTS_QUEUE}?comp=metadata`, `${table}/${ENRICHMENTS_TABLE}()?$top=1`];
  return Promise.all(addresses.map(async (address) => (await fetch(address, { headers })).status));
}

test('the package alone, with identity settings only, enriches alerts: message and row', async () => {
  expect(() => createRequire(join(appRoot, 'main.js')).resolve('@azure/functions')).toThrow(
    'Cannot find module',
  );
  const alertIds = stack.simulator.control.alertIds(20);
  await pipeline.submit(...alertIds);
  await pipeline.idle();
  const delivered = await pipeline.delivered();
  expect(delivered.map(({ enrichment }) => `${enrichment.alertId} ${enrichment.outcome}`).toSorted()).toEqual(
    alertIds.map((alertId) => `${alertId} enriched`).toSorted(),
  );
  for (const { enrichment, rowThen } of delivered) {
    expect({ ...enrichment.device, raw: undefined }).toEqual(rowThen?.device);
  }
  expect((await pipeline.rows()).map((row) => row.partitionKey).toSorted()).toEqual(alertIds.toSorted());
  expect([await pipeline.deadLetters(), await pipeline.poisoned()]).toEqual([[], []]);
});

test('it runs under Node.js 22 as well, which the template deploys', async () => {
  const node = fileURLToPath(new URL('../node-22/node_modules/node/bin/node', import.meta.url));
  expect(execFileSync(node, ['--version'], { encoding: 'utf8' })).toMatch(/^v22\./);
  const older = await startPipeline(stack, {}, appRoot, { node });
  const alerts = stack.simulator.control.addNewAlerts(5).map(({ id }) => id);
  await older.submit(...alerts, { alertIds: ['no id', alerts[0]] });
  for (const alertId of alerts) {
    expect((await older.enrichmentOf(alertId)).enrichment).toMatchObject({ outcome: 'enriched' });
  }
  const answer = await fetch(new URL('/api/health', older.hosts[0]?.url));
  expect([answer.status, await answer.json()]).toMatchObject([200, { status: 'healthy' }]);
});

test('nothing in its environment opens storage but the identity', () => {
  const [{ environment } = { environment: {} }] = pipeline.hosts;
  expect(Object.keys(environment).filter((name) => /storage/i.test(name))).toEqual([
    'AlertsStorage__queueServiceUri',
    'AlertsStorage__tableServiceUri',
    'AlertsStorage__credential',
    'AlertsStorage__clientId',
  ]);
  expect(keysIn(environment)).toEqual([]);
  // The search would find one.
  expect(keysIn({ ...environment, Other: stack.azurite.connectionString })).toEqual(['Other']);
});

test('storage takes a token that the identity gets for it', async () => {
  expect(await statusesFor({ Authorization: `Bearer ${await tokenFor(STORAGE)}` })).toEqual([200, 200]);
});

describe('storage refuses', () => {
  test('a token for the Defender API', async () => {
    const token = await tokenFor('https://api.securitycenter.microsoft.com');
    expect(await statusesFor({ Authorization: `Bearer ${token}` })).toEqual([403, 403]);
  });

  test('a token that has expired', async () => {
    stack.simulator.control.setIdentity({ lifetimeSeconds: -60 });
    const token = await tokenFor(STORAGE);
    stack.simulator.control.setIdentity({ lifetimeSeconds: 3_600 });
    expect(await statusesFor({ Authorization: `Bearer ${token}` })).toEqual([403, 403]);
  });

  test('a caller without a token', async () => {
    expect(await statusesFor({})).toEqual([403, 403]);
  });

  test("the emulator's published key, which every storage library knows", async () => {
    const statusesWith = (key: string) => {
      const connection = stack.azurite.connectionString.replace(/AccountKey=[^;]+/, `AccountKey=${key}`);
      const { ALERTS_QUEUE = '', ENRICHMENTS_TABLE = '' } = pipeline.settings;
      const queue = QueueServiceClient.fromConnectionString(connection).getQueueClient(ALERTS_QUEUE);
      const table = TableClient.fromConnectionString(connection, ENRICHMENTS_TABLE);
      const answers: Promise<unknown>[] = [queue.getProperties(), table.getEntity('no such', 'row')];
      return Promise.all(
        answers.map((answer) =>
          answer.then(
            () => 200,
            (error) => error.statusCode,
          ),
        ),
      );
    };
    expect(await statusesWith(PUBLISHED_KEY)).toEqual([400, 400]);
    expect(await statusesWith(ownKey())).toEqual([200, 404]);
  });
});

test('"npm run ops -- check" finds all well with the same settings', async () => {
  const settings = { ...pipeline.settings, AZURE_FUNCTIONS_ENVIRONMENT: 'Development' };
  const { output, exitCode } = await runOps(settings, 'check');
  expect(output).toContain('by identity');
  expect([output.match(/^(problem|unknown).*/gm), exitCode]).toEqual([null, 0]);
});

test('without the client ID of its user-assigned identity, host and check say so', async () => {
  const settings = { AlertsStorage__clientId: '', AZURE_FUNCTIONS_ENVIRONMENT: 'Development' };
  const [host, { output, exitCode }] = await Promise.all([
    pipeline.startHost({ settings }),
    runOps({ ...pipeline.settings, ...settings }, 'check'),
  ]);
  await host.ended;
  expect(host.output.join('\n')).toMatch(/Check its address, identity and role.*proper Managed Identity/);
  expect(output).toMatch(/^problem +queue .*proper Managed Identity[\s\S]*check AlertsStorage__clientId/m);
  expect(exitCode).toBe(1);
});

test('no token is in any log, row or message', async () => {
  const audiences = stack.simulator.control.issuedTokens().map((token) => readTokenClaims(token)?.audience);
  expect(audiences).toContain(STORAGE);
  const text = await pipeline.everything();
  expect(secretsOf(stack).filter((secret) => text.includes(secret))).toEqual([]);
});
