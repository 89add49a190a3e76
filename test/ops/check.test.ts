import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TableClient } from '@azure/data-tables';
import {
  AccountSASPermissions,
  AccountSASResourceTypes,
  AccountSASServices,
  generateAccountSASQueryParameters,
  StorageSharedKeyCredential,
} from '@azure/storage-queue';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type Stack, startStack } from '#dev/stack/stack.ts';
import type { Finding } from '#ops/check/finding.ts';
import { createApplication } from '#shared/application.ts';
import { readSettings } from '#shared/config/settings.ts';
import { secretsOf } from '../support/secrets.ts';
import { startStorageProxy } from '../support/storageProxy.ts';
import { runOps, startOps } from './commandLine.ts';
import { bury, failedLetter } from './poison.ts';

const QUEUES = ['alerts', 'alerts-poison', 'enrichments'];
const TABLES = ['AlertEnrichments', 'EnrichmentState'];

let stack: Stack;
let settings: Record<string, string>;
const said: string[] = [];

beforeAll(async () => {
  stack = await startStack();
  settings = { ...stack.settings, AZURE_FUNCTIONS_ENVIRONMENT: 'Development', IN_PROCESS_WAIT: '1s' };
  await Promise.all([
    ...QUEUES.map((name) => stack.queues.createQueue(name)),
    ...TABLES.map((name) => openTable(name).createTable()),
  ]);
});
afterEach(() => stack.simulator.control.reset());
afterAll(async () => {
  const everything = said.join('\n');
  for (const secret of secretsOf(stack)) {
    expect(everything).not.toContain(secret);
  }
  await stack.stop();
});

function openTable(name: string): TableClient {
  return TableClient.fromConnectionString(stack.azurite.connectionString, name, {
    allowInsecureConnection: true,
  });
}

async function rowsOf(name: string): Promise<unknown[]> {
  const rows: unknown[] = [];
  for await (const row of openTable(name).listEntities()) {
    rows.push(row);
  }
  return rows;
}

/** Runs the check; its findings by subject. */
async function check(changes: Record<string, string> = {}) {
  const { output, errors, exitCode } = await runOps({ ...settings, ...changes }, 'check', '--json');
  said.push(output, errors);
  const { ok, findings } = JSON.parse(output) as { ok: boolean; findings: Finding[] };
  expect(ok).toBe(exitCode === 0);
  return { ok, findings: Object.fromEntries(findings.map((finding) => [finding.subject, finding])) };
}

/** Those of the findings that are not ok. */
function notOk(findings: Record<string, Finding>): Record<string, string> {
  return Object.fromEntries(
    Object.values(findings).flatMap(({ subject, status }) =>
      status === 'ok' || status === 'note' ? [] : [[subject, status]],
    ),
  );
}

function sharedAccess(permissions: string): string {
  const [, key = ''] = /AccountKey=([^;]+)/.exec(stack.azurite.connectionString) ?? [];
  const [, account = ''] = /AccountName=([^;]+)/.exec(stack.azurite.connectionString) ?? [];
  const signature = generateAccountSASQueryParameters(
    {
      permissions: AccountSASPermissions.parse(permissions),
      services: AccountSASServices.parse('qt').toString(),
      resourceTypes: AccountSASResourceTypes.parse('sco').toString(),
      expiresOn: new Date(Date.now() + 3_600_000),
      version: '2019-10-10',
    },
    new StorageSharedKeyCredential(account, key),
  );
  const endpoints = stack.azurite.connectionString.split(';').filter((part) => part.includes('Endpoint='));
  return [...endpoints, `SharedAccessSignature=${signature}`].join(';');
}

describe('check', () => {
  test('finds all well, costs one call that changes nothing, and leaves nothing behind', async () => {
    const { ok, findings } = await check();
    expect(notOk(findings)).toEqual({});
    expect(ok).toBe(true);
    expect(findings.token?.detail).toMatch(
      /for https:\/\/api\.securitycenter\.microsoft\.com, of application [\da-f-]{36}/,
    );
    expect(findings.role?.detail).toBe('Machine.Read.All');
    const calls = stack.simulator.control.calls();
    expect(calls.map(({ route, status }) => [route, status])).toEqual([['alertMachine', 404]]);
    for (const name of QUEUES) {
      const { approximateMessagesCount } = await stack.queues.getQueueClient(name).getProperties();
      expect(approximateMessagesCount).toBe(0);
    }
    expect(await rowsOf('AlertEnrichments')).toEqual([]);
    // Only the ledger, which holds the one call.
    expect(await rowsOf('EnrichmentState')).toMatchObject([{ rowKey: 'ledger' }]);
  });

  test('says it in lines for a person', async () => {
    const { output, exitCode } = await runOps(settings, 'check');
    said.push(output);
    expect(exitCode).toBe(0);
    expect(output).toMatch(/^ok +queue "alerts" +may read, peek, delete, add$/m);
    expect(output).toMatch(/^All is well\.$/m);
  });

  test('names the missing role and the command to grant it, and does not stop the app', async () => {
    stack.simulator.control.revokeRoles(['Machine.Read.All']);
    const { findings } = await check();
    expect(notOk(findings)).toEqual({ role: 'problem', Defender: 'problem' });
    expect(findings.role?.detail).toContain('Machine.Read.All is not in the token');
    const advice = findings.role?.advice?.join('\n');
    expect(advice).toMatch(/grant-permissions\.sh --principal-id [\da-f-]{36}$/m);
    expect(advice).toMatch(/Granted already\? This token is from 2/);
    expect(findings.Defender?.detail).toContain('403 Forbidden');
    // The circuit is as it was: this may be the sign-in of an operator who may less than the app.
    expect((await createApplication(readSettings(settings), true).reportQuota()).circuit).toBeNull();
  });

  test('tells a token for another audience', async () => {
    stack.simulator.control.setIdentity({ mode: 'wrong-audience' });
    const { findings } = await check();
    expect(notOk(findings)).toMatchObject({ token: 'problem', Defender: 'problem' });
    expect(findings.token?.detail).toContain('for https://management.azure.com');
    expect(findings.token?.advice?.join()).toContain('DEFENDER_TOKEN_SCOPE');
  });

  test('tells that there is no token', async () => {
    const { findings } = await check({ IDENTITY_HEADER: 'wrong' });
    expect(notOk(findings)).toEqual({ token: 'problem', role: 'unknown', Defender: 'unknown' });
    expect(stack.simulator.control.calls()).toEqual([]);
  });

  test('tells a wrong address of Defender', async () => {
    const { findings } = await check({ DEFENDER_API_URL: 'http://127.0.0.1:1' });
    expect(notOk(findings)).toEqual({ Defender: 'problem' });
    expect(findings.Defender?.detail).toContain('ECONNREFUSED');
    expect(findings.Defender?.advice?.join()).toContain('DEFENDER_API_URL');
  });

  describe('about Microsoft Graph', () => {
    test('is not asked for Defender alone, and says so of the announced end', async () => {
      const { findings } = await check();
      expect(findings['ready for 2027-02-01']).toMatchObject({
        status: 'note',
        detail: expect.stringMatching(/^no, because ENRICHMENT_SOURCE is "defender"/),
      });
      expect(stack.simulator.control.calls().map(({ route }) => route)).toEqual(['alertMachine']);
    });

    test.each([
      ['graph', ['graphAlert', 'hunting']],
      ['auto', ['alertMachine', 'graphAlert', 'hunting']],
    ])('finds all well with %s, with one call to each API, and is ready', async (choice, routes) => {
      const { ok, findings } = await check({ ENRICHMENT_SOURCE: choice });
      expect(notOk(findings)).toEqual({});
      expect(ok).toBe(true);
      expect(findings['ready for 2027-02-01']).toMatchObject({ status: 'ok', detail: 'yes' });
      const called = stack.simulator.control.calls().map(({ route }) => route);
      expect(called.toSorted()).toEqual(routes);
    });

    test('names the roles that are missing and the command to grant them', async () => {
      stack.simulator.control.revokeRoles(['SecurityAlert.Read.All', 'ThreatHunting.Read.All']);
      const { findings } = await check({ ENRICHMENT_SOURCE: 'graph' });
      expect(notOk(findings)).toEqual({
        'Graph alert role': 'problem',
        'Graph hunting role': 'problem',
        'Graph alerts': 'problem',
        'Graph hunting': 'problem',
      });
      expect(findings['Graph alert role']?.advice?.join()).toContain('--source graph');
      expect(findings['ready for 2027-02-01']?.detail).toMatch(/^no, because of "Graph alert role"/);
    });

    test('is ready with less where only the role for hunting is missing', async () => {
      stack.simulator.control.revokeRoles(['ThreatHunting.Read.All']);
      const { findings } = await check({ ENRICHMENT_SOURCE: 'graph' });
      expect(findings['ready for 2027-02-01']?.detail).toMatch(/^yes, with less/);
    });

    test('says which source serves once Defender is gone', async () => {
      stack.simulator.control.retireDefender(410);
      const { findings } = await check({ ENRICHMENT_SOURCE: 'auto' });
      expect(findings.Defender?.detail).toContain('410');
      expect(findings.source?.detail).toBe('defender');
    });
  });

  test('makes no call while the circuit is open, and says what opened it', async () => {
    const { sources } = createApplication(readSettings({ ...settings, STATE_TABLE: 'OpenState' }), true);
    await openTable('OpenState').createTable();
    await sources.defender.quota.gate.denied(undefined, {
      cause: 'forbidden',
      detail: 'the role is missing',
    });
    const { findings } = await check({ STATE_TABLE: 'OpenState' });
    expect(notOk(findings)).toEqual({ quota: 'problem', Defender: 'unknown' });
    expect(findings.quota?.detail).toMatch(/the circuit is open since .*: the role is missing/);
    expect(stack.simulator.control.calls()).toEqual([]);
  });

  test('names each operation that is not permitted, and makes no call without the ledger', async () => {
    const { findings } = await check({ AlertsStorage: sharedAccess('rlp') });
    expect(findings['queue "alerts"']).toMatchObject({
      status: 'problem',
      detail: 'may not add (403 AuthorizationPermissionMismatch)',
    });
    expect(findings['queue "alerts"']?.advice?.join()).toContain('"Storage Queue Data Contributor"');
    expect(findings['table "EnrichmentState"']).toMatchObject({ status: 'problem' });
    expect(findings['table "EnrichmentState"']?.advice?.join()).toContain('"Storage Table Data Contributor"');
    expect(findings.Defender?.status).toBe('unknown');
    expect(stack.simulator.control.calls()).toEqual([]);
  });

  test.each([
    [
      'is down',
      'DefaultEndpointsProtocol=http;AccountName=a;AccountKey=c2VjcmV0LWtleQ==;QueueEndpoint=http://127.0.0.1:1/a;TableEndpoint=http://127.0.0.1:1/a',
      /ECONNREFUSED/,
    ],
    ['is no storage service', '', /it answers 404/],
  ])('tells that storage %s', async (_, connectionString, detail) => {
    const noStorage = `DefaultEndpointsProtocol=http;AccountName=a;AccountKey=c2VjcmV0LWtleQ==;QueueEndpoint=${stack.simulator.controlUrl};TableEndpoint=${stack.simulator.controlUrl}`;
    const { findings } = await check({ AlertsStorage: connectionString || noStorage });
    for (const subject of [
      ...QUEUES.map((name) => `queue "${name}"`),
      ...TABLES.map((name) => `table "${name}"`),
    ]) {
      expect(findings[subject]).toMatchObject({ status: 'problem', detail: expect.stringMatching(detail) });
    }
    expect(findings.role?.status).toBe('ok');
    expect(JSON.stringify(findings)).not.toContain('c2VjcmV0LWtleQ');
  });

  test('tells a wrong key without showing it', async () => {
    const wrong = stack.azurite.connectionString.replace(/AccountKey=[^;]+/, 'AccountKey=c2VjcmV0LWtleQ==');
    const { findings } = await check({ AlertsStorage: wrong });
    expect(findings['queue "alerts"']).toMatchObject({
      status: 'problem',
      detail: 'the sign-in was refused: it answers 403 AuthenticationFailed',
    });
    expect(JSON.stringify(findings)).not.toContain('c2VjcmV0LWtleQ');
  });

  test('tells what does not exist, and how many dead letters wait since when', async () => {
    await stack.queues.createQueue('other-poison');
    await bury(
      stack.queues.getQueueClient('other-poison'),
      failedLetter('alert-1', { deadAt: '2020-01-01T00:00:00Z' }),
    );
    const { findings } = await check({ ALERTS_QUEUE: 'other' });
    expect(notOk(findings)).toMatchObject({ 'queue "other"': 'problem', 'dead letters': 'problem' });
    expect(findings['queue "other"']?.detail).toBe('does not exist');
    expect(findings['dead letters']?.detail).toMatch(/^1 message, the oldest \d+ d old$/);
  });

  test('lists wrong settings, and reads local.settings.json after the environment', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'enrichment-ops-'));
    const Values = { ...settings, REUSE_FOR: 'soon', MAX_AGE: '1h' };
    writeFileSync(join(folder, 'local.settings.json'), JSON.stringify({ IsEncrypted: false, Values }));
    const run = await startOps({ MAX_AGE: 'never' }, ['check'], folder).ended;
    said.push(run.output, run.errors);
    expect(run.exitCode).toBe(1);
    expect(run.output).toMatch(/^problem +setting REUSE_FOR +got "soon"/m);
    expect(run.output).toMatch(/^problem +setting MAX_AGE +got "never"/m);
    const mended = await startOps({ REUSE_FOR: '15m' }, ['check'], folder).ended;
    expect(mended.output).toContain('All is well.');
    rmSync(folder, { recursive: true });
  });
});

describe('the advice goes by the code of the storage service', () => {
  const refusal = (code: string) => ({
    status: 403,
    headers: { 'Content-Type': 'application/xml', 'x-ms-error-code': code },
    body: `<?xml version="1.0"?><Error><Code>${code}</Code><Message>No.</Message></Error>`,
  });

  test.each([
    ['AuthorizationFailure', /^Let this address.*firewall/, /Storage Table Data Contributor/],
    ['AuthorizationPermissionMismatch', /Storage Table Data Contributor/, /firewall/],
    [
      'KeyBasedAuthenticationNotPermitted',
      /The account takes no keys: .*AlertsStorage__tableServiceUri/,
      undefined,
    ],
  ])('%s', async (code, first, second) => {
    const proxy = await startStorageProxy(stack.azurite.connectionString, 'Table', refusal(code));
    proxy.refuse(() => true);
    try {
      const { findings } = await check({ AlertsStorage: proxy.connectionString });
      const { advice = [] } = findings['table "AlertEnrichments"'] ?? {};
      expect(advice[0]).toMatch(first);
      if (second !== undefined) {
        expect(advice[1]).toMatch(second);
      }
    } finally {
      await proxy.stop();
    }
  });
});
