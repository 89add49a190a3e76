import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { foreignCalls } from '#dev/simulator/callLog.ts';
import type { SimulatorControl, TenantControl } from '#dev/simulator/control.ts';
import type { FederatedCredential } from '#dev/simulator/signIn/federatedCredential.ts';
import type { TenantOptions } from '#dev/simulator/tenant.ts';
import { startTenantStack, type TenantStack } from '#dev/stack/tenantStack.ts';
import { runOps } from '../ops/commandLine.ts';
import { type Pipeline, startPipeline } from '../support/pipelineHarness.ts';
import { secretsOf } from '../support/secrets.ts';
import { waitUntil } from '../support/waitUntil.ts';

/** The customers beside the home tenant: each fails in a way of its own, but for the first. */
const customers = {
  served: {},
  withoutConsent: { signIn: 'no-consent' },
  withoutRole: { roles: [] },
  revoked: {},
  down: {},
  disabled: {},
  deleted: {},
  wrongAudience: {},
  wrongSubject: {},
  wrongIssuer: {},
} as const satisfies Record<string, TenantOptions>;
type Customer = keyof typeof customers;
const names = Object.keys(customers) as Customer[];

let stack: TenantStack;
let control: SimulatorControl;
let pipeline: Pipeline;
let trustedAtStart: FederatedCredential;

beforeAll(async () => {
  stack = await startTenantStack({
    simulator: { machines: 40, alerts: 20, limits: [{ calls: 10_000, windowMs: 1_000 }] },
    tenants: names.map((name) => ({ name, ...customers[name] })),
    settings: { AZURE_FUNCTIONS_ENVIRONMENT: 'Development' },
  });
  control = stack.simulator.control;
  trustedAtStart = control.federatedCredential;
  of('down').setFaultRates({ 'http-503': 1 });
  await setRow('disabled', { enabled: false });
  pipeline = await startPipeline(stack);
});
afterAll(() => stack.stop());

function of(customer: Customer): TenantControl {
  return control.tenants[names.indexOf(customer) + 1] as TenantControl;
}

function setRow(customer: Customer, columns: Record<string, unknown>) {
  const { tenantId: rowKey, name } = of(customer);
  return stack.tenantsTable.upsertEntity({ partitionKey: 'tenant', rowKey, name, enabled: true, ...columns });
}

/** Hands in a new alert of the customer. */
async function submitOne(customer: Customer): Promise<string> {
  const { tenantId } = of(customer);
  const [{ id: alertId = '' } = {}] = of(customer).addNewAlerts(1);
  await pipeline.submit({ alertId, tenantId });
  return alertId;
}

/** The event by which an alert was put back, once there is one whose detail says this. */
function waits(alertId: string, detail: RegExp) {
  return waitUntil(`${alertId} waits, and the log says ${detail}`, () =>
    pipeline
      .eventsOf(alertId)
      .find((event) => event.result === 'deferred' && detail.test(String(event.detail))),
  );
}

async function expectOwnDevice(customer: Customer, alertId: string): Promise<void> {
  const { tenantId, alerts } = of(customer);
  const { enrichment } = await pipeline.enrichmentOf(alertId);
  expect(enrichment).toMatchObject({
    outcome: 'enriched',
    tenantId,
    device: { id: alerts.byId(alertId)?.machineId },
  });
}

/** The dead letter of the alert, which stays where it is. */
function deadLetterOf(alertId: string): Promise<Record<string, unknown>> {
  const queue = stack.queues.getQueueClient(`${pipeline.settings.ALERTS_QUEUE}-poison`);
  return waitUntil(`the dead letter of ${alertId}`, async () => {
    const { peekedMessageItems } = await queue.peekMessages({ numberOfMessages: 32 });
    const texts = peekedMessageItems.map(({ messageText }) =>
      Buffer.from(messageText, 'base64').toString('utf8'),
    );
    const text = texts.find((candidate) => candidate.includes(alertId));
    return text === undefined ? undefined : JSON.parse(text);
  });
}

test('an alert ID that two tenants have is two alerts, each with the device and the row of its own tenant', async () => {
  const [home, customer] = [control, of('served')];
  for (const tenant of [home, customer]) {
    tenant.addAlerts([{ id: 'shared', machineId: tenant.fleet.machines[30]?.id }]);
  }
  await pipeline.submit('shared', { alertId: 'shared', tenantId: customer.tenantId });
  const found = (await pipeline.enrichmentsOf('shared', 2)).map(({ enrichment }) => enrichment);
  expect(found.map(({ tenantId, device }) => [tenantId, device?.id]).toSorted()).toEqual(
    [
      [undefined, home.fleet.machines[30]?.id],
      [customer.tenantId, customer.fleet.machines[30]?.id],
    ].toSorted(),
  );
  const rows = (await pipeline.rows()).filter(({ partitionKey }) => partitionKey === 'shared');
  expect(rows.map(({ rowKey }) => rowKey).toSorted()).toEqual(['device', `device:${customer.tenantId}`]);
});

function trust(change: Partial<FederatedCredential>): void {
  control.setFederatedCredential(change);
}

/** Why a customer's alerts wait, how that is mended, and what tells the operator. */
const blocked: { customer: Customer; block?: () => void; mend: () => void; says: RegExp[] }[] = [
  {
    customer: 'withoutConsent',
    mend: () => of('withoutConsent').setSignIn('granted'),
    says: [/AADSTS700016/, /consent/i],
  },
  {
    customer: 'withoutRole',
    mend: () => of('withoutRole').grantRoles(['Machine.Read.All']),
    says: [/Machine\.Read\.All/, /consent/i],
  },
  {
    customer: 'wrongIssuer',
    block: () => trust({ issuer: `https://login.microsoftonline.com/${randomUUID()}/v2.0` }),
    mend: () => trust(trustedAtStart),
    says: [/AADSTS700211/, /issuer/],
  },
  {
    customer: 'wrongAudience',
    block: () => trust({ audience: 'api://AzureADTokenExchangeUSGov' }),
    mend: () => trust(trustedAtStart),
    says: [/AADSTS700212/, /audience/],
  },
  {
    customer: 'wrongSubject',
    block: () => trust({ subject: randomUUID() }),
    mend: () => trust(trustedAtStart),
    says: [/AADSTS700213/, /subject|object ID|principal/],
  },
];

test.for(blocked)(
  'the alerts of $customer wait, the log names the tenant and the remedy, and all drain once it is mended',
  async ({ customer, block, mend, says }) => {
    block?.();
    const alertId = await submitOne(customer);
    for (const words of says) {
      await waits(alertId, words);
    }
    await waits(alertId, new RegExp(of(customer).tenantId));
    await expectOwnDevice('served', await submitOne('served'));
    mend();
    await expectOwnDevice(customer, alertId);
  },
);

test('consent that is revoked stops that tenant when its token ends, and giving it again lets its alerts go on', async () => {
  control.setIdentity({ lifetimeSeconds: 20 });
  const before = await submitOne('revoked');
  await expectOwnDevice('revoked', before);
  of('revoked').setSignIn('no-consent');
  const after = await submitOne('revoked');
  await waits(after, /AADSTS700016/);
  await expectOwnDevice('served', await submitOne('served'));
  of('revoked').setSignIn('granted');
  await expectOwnDevice('revoked', after);
  control.setIdentity({ lifetimeSeconds: 3_600 });
});

test('a tenant whose API always answers 503 waits alone', async () => {
  const alertId = await submitOne('down');
  await waits(alertId, /503/);
  await expectOwnDevice('served', await submitOne('served'));
  of('down').setFaultRates({});
  await expectOwnDevice('down', alertId);
});

test('a disabled tenant and one that nobody knows are dead letters without a call; replay takes them once the tenant is there', async () => {
  const { tenantId, name } = of('disabled');
  const alertId = await submitOne('disabled');
  const letter = await deadLetterOf(alertId);
  expect(letter).toMatchObject({ reason: 'unknown-tenant', detail: expect.stringContaining(tenantId) });
  expect(letter.detail).toContain(name);
  const nowhere = randomUUID();
  await pipeline.submit({ alertId: 'somewhere', tenantId: nowhere });
  expect(await deadLetterOf('somewhere')).toMatchObject({
    reason: 'unknown-tenant',
    detail: expect.stringContaining(nowhere),
  });
  expect(of('disabled').calls()).toEqual([]);
  expect(control.signIns().filter((signIn) => signIn.tenantId === tenantId)).toEqual([]);

  await setRow('disabled', { enabled: true });
  await replaceHost();
  await replay(alertId);
  await expectOwnDevice('disabled', alertId);
});

test('a row that is deleted in the middle buries what waits, and replay takes it once the row is there again', async () => {
  of('deleted').setFaultRates({ 'http-503': 1 });
  const alertId = await submitOne('deleted');
  await waits(alertId, /503/);
  await stack.tenantsTable.deleteEntity('tenant', of('deleted').tenantId);
  await replaceHost();
  expect(await deadLetterOf(alertId)).toMatchObject({ reason: 'unknown-tenant' });

  of('deleted').setFaultRates({});
  await setRow('deleted', {});
  await replaceHost();
  await replay(alertId);
  await expectOwnDevice('deleted', alertId);
});

/** A process knows for up to a minute what a row was before; a new one looks. */
async function replaceHost(): Promise<void> {
  await pipeline.hosts.at(-1)?.stop();
  await pipeline.startHost();
}

async function replay(alertId: string): Promise<void> {
  const { output, exitCode } = await runOps(
    pipeline.settings,
    ...['dead-letters', 'replay', '--alert', alertId],
  );
  expect({ output, exitCode }).toMatchObject({ exitCode: 0 });
}

test('no token of one tenant was ever sent for another, and none is in a log or a row', async () => {
  expect(control.calls().length).toBeGreaterThan(10);
  expect(foreignCalls(control.calls())).toEqual([]);
  const everything = await pipeline.everything();
  expect(secretsOf(stack).filter((secret) => everything.includes(secret))).toEqual([]);
});
