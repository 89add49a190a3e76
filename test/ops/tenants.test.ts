import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTenantStack, type TenantStack } from '#dev/stack/tenantStack.ts';
import { runOps } from './commandLine.ts';
import { bury, failedLetter } from './poison.ts';

const CUSTOMER = 'aaaaaaaa-0000-4000-8000-000000000001';
const NEWCOMER = 'bbbbbbbb-0000-4000-8000-000000000002';

let stack: TenantStack;
let settings: Record<string, string>;

beforeAll(async () => {
  stack = await startTenantStack({
    tenants: [
      { tenantId: CUSTOMER, name: 'Contoso' },
      { tenantId: NEWCOMER, name: 'Fabrikam' },
    ],
  });
  settings = { ...stack.settings, AZURE_FUNCTIONS_ENVIRONMENT: 'Development' };
  for (const name of ['alerts', 'alerts-poison', 'enrichments']) {
    await stack.queues.createQueue(name);
  }
  const host = await stack.startHost();
  await host.stop();
  await stack.tenantsTable.deleteEntity('tenant', NEWCOMER);
});
afterAll(() => stack.stop());

/** The customer, as the simulator has it. */
function customer() {
  const tenant = stack.simulator.control.tenant(CUSTOMER);
  if (tenant === undefined) {
    throw new Error(`The simulator has no tenant ${CUSTOMER}.`);
  }
  return tenant;
}

const tenants = (...commandLine: string[]) => runOps(settings, 'tenants', ...commandLine);

test('add writes the row and says what its administrator opens and grants', async () => {
  const added = await tenants('add', NEWCOMER.toUpperCase(), '--name', 'Fabrikam', '--rate-limits', '50/1m');
  expect(added).toMatchObject({ exitCode: 0, errors: '' });
  expect(added.output).toContain(`Added ${NEWCOMER} (Fabrikam).`);
  expect(added.output).toContain(`/${NEWCOMER}/adminconsent?client_id=${stack.settings.DEFENDER_APP_ID}`);
  expect(added.output).toContain('Machine.Read.All: read devices');
  expect(added.output).not.toContain('ThreatHunting');
  expect(await stack.tenantsTable.getEntity('tenant', NEWCOMER)).toMatchObject({
    name: 'Fabrikam',
    enabled: true,
    rateLimits: '50/1m',
  });

  const changed = await tenants('add', NEWCOMER, '--source', 'auto');
  expect(changed.output).toContain(`Changed ${NEWCOMER} (Fabrikam).`);
  expect(changed.output).toContain('ThreatHunting.Read.All: run hunting queries');
  expect(await stack.tenantsTable.getEntity('tenant', NEWCOMER)).toMatchObject({
    name: 'Fabrikam',
    rateLimits: '50/1m',
    source: 'auto',
  });
  await tenants('add', NEWCOMER, '--source', 'defender');
});

test.each([
  [['add', 'contoso.com'], 'is no tenant ID'],
  [['add', CUSTOMER, '--quota-share', '2'], 'Column "quotaShare" got "2"'],
  [['add', '12345678-9abc-def0-1234-56789abcdef0'], 'is the home tenant, which needs no row'],
  [['check', 'cccccccc-0000-4000-8000-000000000003'], 'has no row'],
  [['disable', 'cccccccc-0000-4000-8000-000000000003'], 'has no row'],
  [['remove', 'cccccccc-0000-4000-8000-000000000003'], 'has no row'],
])('%j is refused, and nothing is written', async (commandLine, words) => {
  const run = await tenants(...commandLine);
  expect(run).toMatchObject({ exitCode: 1, output: '' });
  expect(run.errors).toContain(words);
});

test('check proves sign-in, roles and reach', async () => {
  const run = await tenants('check', CUSTOMER);
  expect(run.output).toMatch(/^ok +row +aaaaaaaa-0000-4000-8000-000000000001 \(Contoso\)$/m);
  expect(run.output).toMatch(/^ok +role +.*Machine\.Read\.All/m);
  expect(run.output).toMatch(/^ok +Defender +.* lets this identity ask$/m);
  expect(run).toMatchObject({ exitCode: 0, errors: '' });
});

describe('check names what is missing, and how the customer mends it', () => {
  test.each([
    ['no-consent', /AADSTS700016.*there is no consent.*adminconsent/],
    ['no-grant', /AADSTS65001.*there is no consent/],
    ['app-disabled', /the app is disabled there/],
  ] as const)('%s', async (state, words) => {
    customer().setSignIn(state);
    const run = await tenants('check', CUSTOMER);
    customer().setSignIn('granted');
    expect(run.output).toMatch(words);
    expect(run.output).not.toContain('give the app an identity');
    expect(run.exitCode).toBe(1);
  });

  test('a role that consent did not bring', async () => {
    customer().revokeRoles(['Machine.Read.All']);
    const run = await tenants('check', CUSTOMER);
    customer().grantRoles(['Machine.Read.All']);
    expect(run.output).toMatch(/^problem +role +Machine\.Read\.All is not in the token/m);
    expect(run.output).toContain('adminconsent');
    expect(run.output).not.toContain('grant-permissions.sh');
    expect(run.exitCode).toBe(1);
  });
});

test('list tells the state of each, broken rows and disabled ones too', async () => {
  const broken = 'dddddddd-0000-4000-8000-000000000004';
  await stack.tenantsTable.upsertEntity({ partitionKey: 'tenant', rowKey: broken, geo: 'mars' });
  const disabled = await tenants('disable', NEWCOMER);
  expect(disabled.output).toContain('become dead letters "unknown-tenant"');
  const { output } = await tenants();
  expect(output).toMatch(
    /^aaaaaaaa-\S+ +Contoso +served +defender +\d+ of 100 in 1m, \d+ of 1500 in 1h +0$/m,
  );
  expect(output).toMatch(/^bbbbbbbb-\S+ +Fabrikam +disabled$/m);
  expect(output).toMatch(/^dddddddd-\S+ +broken row$/m);
  expect(output).toMatch(/^dddddddd-\S+: Column "geo" got "mars"/m);
  expect((await tenants('enable', NEWCOMER)).output).toContain('dead-letters replay --reason unknown-tenant');
  const removed = await tenants('remove', broken);
  expect(removed.output).toContain('deletes the enterprise application');
  expect(JSON.parse((await tenants('list', '--json')).output)).toMatchObject([
    { kind: 'served', id: CUSTOMER, waiting: 0 },
    { kind: 'served', id: NEWCOMER, quota: { windows: [{ permitted: 50 }] } },
  ]);
});

test('quota, status and dead letters are told of one tenant', async () => {
  const quota = await runOps(settings, 'quota', '--tenant', NEWCOMER);
  expect(quota.output).toMatch(/^1m +\d+ +50 +/m);
  const unknown = await runOps(settings, 'quota', '--tenant', 'cccccccc-0000-4000-8000-000000000003');
  expect(unknown).toMatchObject({ exitCode: 1, output: '' });
  const [alert] = customer().addNewAlerts(1);
  const alertId = alert?.id ?? '';
  const poison = stack.queues.getQueueClient('alerts-poison');
  const letter = failedLetter(alertId);
  await bury(poison, failedLetter('da1_1'));
  await bury(poison, { ...letter, submission: { ...letter.submission, tenantId: CUSTOMER } });
  const list = await runOps(settings, 'dead-letters', 'list', '--tenant', CUSTOMER);
  expect(list.output).toContain(alertId);
  expect(list.output).not.toContain('da1_1');
  const replay = await runOps(settings, 'dead-letters', 'replay', '--tenant', CUSTOMER);
  expect(replay.exitCode).toBe(0);
  expect((await runOps(settings, 'dead-letters')).output).toMatch(/^all +1$/m);
  expect((await runOps(settings, 'status', alertId, '--tenant', CUSTOMER)).output).toMatch(/^Row +none/m);
});

test('a deployment of one tenant is told what it lacks', async () => {
  const { DEFENDER_APP_ID: _, ...single } = settings;
  const run = await runOps(single, 'tenants');
  expect(run).toMatchObject({ exitCode: 1, output: '' });
  expect(run.errors).toContain('Set DEFENDER_APP_ID');
});
