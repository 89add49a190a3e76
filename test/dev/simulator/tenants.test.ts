import { expect, test } from 'vitest';
import { foreignCalls, highestInAnyWindow } from '#dev/simulator/callLog.ts';
import { TENANT_ID } from '#dev/simulator/identity.ts';
import { callGraph, candidatesQuery, GRAPH_AUDIENCE, hunt, rowsOf } from './graphFixture.ts';
import { callApi, startForTest, tokenOf } from './simulatorFixture.ts';
import { CLIENT_ID, customerId, startTenants, tenantToken } from './tenantsFixture.ts';

const machineOf = (alertId: string) => `/api/alerts/${alertId}/machine`;

test('The home tenant is the same whether there are others or not', async () => {
  const now = () => Date.parse('2026-11-01T00:00:00Z');
  const [alone, among] = [await startForTest({ now }), await startTenants([{}, {}], { now })];
  expect(among.control.alerts.all()).toEqual(alone.control.alerts.all());
  expect(among.control.fleet.machines).toEqual(alone.control.fleet.machines);
  expect(among.control.tenants.map(({ name }) => name)).toEqual(['Home', 'Customer 1', 'Customer 2']);
});

test('Each tenant has alerts and machines of its own, and those of another are not found', async () => {
  const simulator = await startTenants([{}, {}]);
  const tokens = [
    await tokenOf(simulator, { client_id: CLIENT_ID }),
    await tenantToken(simulator, customerId(simulator, 0)),
    await tenantToken(simulator, customerId(simulator, 1)),
  ];
  const { tenants } = simulator.control;
  const alertIds = tenants.map((tenant) => tenant.alertIds(1)[0] ?? '');
  expect(new Set(alertIds).size).toBe(3);
  const statuses = await Promise.all(
    tokens.map((token) =>
      Promise.all(alertIds.map(async (id) => (await callApi(simulator, machineOf(id), { token })).status)),
    ),
  );
  expect(statuses).toEqual([
    [200, 404, 404],
    [404, 200, 404],
    [404, 404, 200],
  ]);
});

test('The same alert ID in two tenants is two alerts', async () => {
  const simulator = await startTenants([{}, {}]);
  const customers = simulator.control.tenants.slice(1);
  for (const customer of customers) {
    customer.addAlerts([{ id: 'shared', machineId: customer.fleet.machines[40]?.id }]);
  }
  for (const customer of customers) {
    const token = await tenantToken(simulator, customer.tenantId);
    const response = await callApi(simulator, machineOf('shared'), { token });
    expect(await response.json()).toMatchObject({ id: customer.fleet.machines[40]?.id });
  }
  expect(foreignCalls(simulator.control.calls())).toEqual([]);
});

test('The log says whose token each call carried and whose alert it asked for', async () => {
  const simulator = await startTenants([{}, {}]);
  const [home, first, second] = simulator.control.tenants;
  const token = await tenantToken(simulator, customerId(simulator));
  const [own, foreign] = [first, second].map((tenant) => tenant?.alertIds(1)[0] ?? '');
  await callApi(simulator, machineOf(own ?? ''), { token });
  await callApi(simulator, machineOf('nowhere'), { token });
  await callApi(simulator, machineOf(foreign ?? ''), { token });
  await callApi(simulator, `/api/machines/${home?.fleet.machines[1]?.id}`, { token });
  await callApi(simulator, `/api/machines?$filter=id in ("${second?.fleet.machines[1]?.id}")`, { token });
  await callApi(simulator, machineOf(foreign ?? ''), { token: 'nonsense' });
  const calls = simulator.control.calls();
  expect(calls.map(({ tenantId, owners }) => [tenantId, owners])).toEqual([
    [first?.tenantId, [first?.tenantId]],
    [first?.tenantId, []],
    [first?.tenantId, [second?.tenantId]],
    [first?.tenantId, [TENANT_ID]],
    [first?.tenantId, [second?.tenantId]],
    [null, [second?.tenantId]],
  ]);
  expect(foreignCalls(calls)).toEqual(calls.slice(2));
  expect(first?.calls()).toEqual(calls.slice(0, 5));
  expect(first?.report()).toMatchObject({ calls: 5, routes: { alertMachine: { 200: 1, 404: 2 } } });
});

test('Graph and hunting answer for the tenant of the token, and the log tells the IDs of another', async () => {
  const simulator = await startTenants([{}, {}]);
  const [own, foreign] = simulator.control.tenants.slice(1).map((tenant) => tenant.alertIds(5));
  const token = await tenantToken(simulator, customerId(simulator), GRAPH_AUDIENCE);
  const list = await callGraph(simulator, '/security/alerts_v2?$top=1', { token });
  expect(list.body.value).toMatchObject([{ tenantId: customerId(simulator) }]);
  expect(rowsOf(await hunt(simulator, candidatesQuery(own ?? []), token)).length).toBeGreaterThan(0);
  expect(rowsOf(await hunt(simulator, candidatesQuery(foreign ?? []), token))).toEqual([]);
  expect(foreignCalls(simulator.control.calls())).toMatchObject([
    { route: 'hunting', tenantId: customerId(simulator), owners: [customerId(simulator, 1)] },
  ]);
});

test('Each tenant has windows of its own, in each API', async () => {
  const limits = [{ calls: 2, windowMs: 60_000 }];
  const simulator = await startTenants([{}, { limits: [{ calls: 3, windowMs: 60_000 }] }], { limits });
  for (const [index, most] of [2, 3].entries()) {
    const tenantId = customerId(simulator, index);
    const token = await tenantToken(simulator, tenantId);
    const statuses: number[] = [];
    for (let call = 0; call <= most; call += 1) {
      statuses.push((await callApi(simulator, '/api/machines?$top=1', { token })).status);
    }
    expect(statuses).toEqual([...new Array<number>(most).fill(200), 429]);
    expect(highestInAnyWindow(simulator.control.tenant(tenantId)?.calls() ?? [], 60_000)).toBe(most);
  }
});

test('What goes wrong with one tenant is none of the others: faults, roles, the end of the API, a neighbour', async () => {
  const simulator = await startTenants([{}, {}]);
  const [first, second] = simulator.control.tenants.slice(1);
  const statusOf = async (tenantId = '') => {
    const token = await tenantToken(simulator, tenantId);
    return (await callApi(simulator, '/api/machines?$top=1', { token })).status;
  };
  const disturb: [() => void, number][] = [
    [() => first?.setFaultRates({ 'http-503': 1 }), 503],
    [() => first?.revokeRoles(['Machine.Read.All']), 403],
    [() => first?.retireDefender(410), 410],
  ];
  for (const [change, status] of disturb) {
    change();
    expect(await statusOf(first?.tenantId)).toBe(status);
    expect(await statusOf(second?.tenantId)).toBe(200);
    first?.reset();
    expect(await statusOf(first?.tenantId)).toBe(200);
  }
});

test('Every control is there for a tenant over HTTP, and one of an unknown tenant or control says what there is', async () => {
  const simulator = await startTenants([{ name: 'Contoso' }]);
  const tenantId = customerId(simulator);
  const control = async (path: string, body?: unknown) => {
    const response = await fetch(
      `${simulator.controlUrl}${path}`,
      body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) },
    );
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  };
  expect((await control('/tenants')).body).toEqual({
    tenants: [
      { tenantId: TENANT_ID, name: 'Home' },
      { tenantId, name: 'Contoso' },
    ],
  });
  expect((await control(`/tenants/${tenantId}/alerts`, { alerts: [{ id: 'one' }] })).status).toBe(200);
  expect(simulator.control.tenant(tenantId)?.alerts.byId('one')).toBeDefined();
  expect(simulator.control.alerts.byId('one')).toBeUndefined();
  expect((await control(`/tenants/${tenantId}/sign-in`, { state: 'no-consent' })).status).toBe(200);
  await expect(tenantToken(simulator, tenantId)).rejects.toThrow('AADSTS700016');
  expect((await control('/sign-ins')).body).toMatchObject([{ tenantId, error: 700016 }]);
  expect((await control('/federated-credential', { subject: 'somebody' })).status).toBe(200);
  expect((await control('/federated-credential')).body).toEqual({
    issuer: `https://login.microsoftonline.com/${TENANT_ID}/v2.0`,
    subject: 'somebody',
    audience: 'api://AzureADTokenExchange',
  });
  expect((await control(`/tenants/${tenantId}/sign-in`, { state: 'asleep' })).status).toBe(400);
  expect(await control('/tenants/nowhere/report')).toMatchObject({
    status: 404,
    body: { message: expect.stringContaining(tenantId) },
  });
  expect(await control(`/tenants/${tenantId}/identity`, {})).toMatchObject({
    status: 404,
    body: { message: expect.stringContaining('POST /faults') },
  });
});
