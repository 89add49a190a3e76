import { expect, test } from 'vitest';
import { highestInAnyWindow } from '#dev/simulator/callLog.ts';
import type { RunningSimulator } from '#dev/simulator/simulator.ts';
import { callGraph, GRAPH_AUDIENCE, hunt, PLENTY } from './graphFixture.ts';
import { callApi, machinePath, startForTest, tokenOf } from './simulatorFixture.ts';

const START = Date.parse('2026-11-01T00:00:00Z');

type Evidence = Record<string, unknown> & { detailedRoles: string[] };

const graphToken = (simulator: RunningSimulator, query: Record<string, string> = {}) =>
  tokenOf(simulator, { resource: GRAPH_AUDIENCE, ...query });

const claimsOf = (token: string) =>
  JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString());

/** The devices in the evidence of an alert. */
async function devicesOf(simulator: RunningSimulator, id: string, token?: string): Promise<Evidence[]> {
  const path = `/security/alerts_v2/${id}`;
  const { body } = await callGraph(simulator, path, token === undefined ? {} : { token });
  return (body.evidence as Evidence[]).filter(
    (evidence) => evidence['@odata.type'] === '#microsoft.graph.security.deviceEvidence',
  );
}

test('The evidence of an alert says of its device what the Defender API says, in the words of Graph', async () => {
  const simulator = await startForTest({ machines: 300, alerts: 0, graphLimits: PLENTY });
  const { machines } = simulator.control.fleet;
  simulator.control.addAlerts(machines.map(({ id }) => ({ id: `alert-${id}`, machineId: id })));
  const token = await graphToken(simulator);
  const lower = (value: unknown) => (value == null ? null : String(value).toLowerCase());
  for (const machine of machines) {
    const evidence = (await devicesOf(simulator, `alert-${machine.id}`, token)).find(
      ({ mdeDeviceId }) => mdeDeviceId === machine.id,
    );
    expect(evidence).toMatchObject({
      deviceDnsName: machine.computerDnsName ?? null,
      firstSeenDateTime: machine.firstSeen ?? null,
      azureAdDeviceId: machine.aadDeviceId ?? null,
      osPlatform: machine.osPlatform ?? null,
      lastIpAddress: machine.lastIpAddress ?? null,
      lastExternalIpAddress: machine.lastExternalIpAddress ?? null,
      rbacGroupName: machine.rbacGroupName ?? null,
    });
    expect(lower(evidence?.onboardingStatus)).toBe(lower(machine.onboardingStatus));
    expect(lower(evidence?.defenderAvStatus)).toBe(lower(machine.defenderAvStatus));
    expect([lower(machine.riskScore), 'unknownfuturevalue']).toContain(lower(evidence?.riskScore));
    expect(typeof evidence?.rbacGroupId).toBe(machine.rbacGroupId == null ? 'object' : 'number');
    const addresses = ((evidence?.ipInterfaces ?? []) as string[]).map((address) =>
      address.replace(/^fe80:[0-9a-f]+::/, 'fe80::'),
    );
    const known = (machine.ipAddresses ?? []).flatMap(({ ipAddress }) => ipAddress || []);
    expect(known).toEqual(expect.arrayContaining(addresses));
    expect([...addresses, machine.lastIpAddress]).toEqual(expect.arrayContaining(known));
  }
});

test('What Graph does not know, or words otherwise, is not in the evidence', async () => {
  const simulator = await startForTest({ machines: 300, alerts: 0 });
  const { fleet } = simulator.control;
  const odd = fleet.ofShape('unknown enum values');
  const mac = fleet.machines.find(({ osPlatform, version }) => osPlatform === 'macOS' && version === '15.1');
  simulator.control.addAlerts([
    { id: 'odd', machineId: odd?.id },
    { id: 'mac', machineId: mac?.id },
    { id: 'bare', machineId: fleet.ofShape('only an ID')?.id },
  ]);
  const deviceOf = async (id: string, machineId: string | undefined) =>
    (await devicesOf(simulator, id)).find(({ mdeDeviceId }) => mdeDeviceId === machineId);
  expect(await deviceOf('odd', odd?.id)).toMatchObject({
    healthStatus: 'unknownFutureValue',
    riskScore: 'unknownFutureValue',
  });
  expect(await deviceOf('mac', mac?.id)).toMatchObject({ osBuild: null, version: 'Sequoia 15.1' });
  const bare = await deviceOf('bare', fleet.ofShape('only an ID')?.id);
  expect(bare).toMatchObject({ healthStatus: null, rbacGroupId: null, ipInterfaces: [], loggedOnUsers: [] });
  for (const property of ['lastSeen', 'exposureLevel', 'agentVersion', 'isAadJoined', 'managedBy']) {
    expect(bare).not.toHaveProperty(property);
  }
});

test('Graph knows an alert by a GUID with its prefix only, and says the other ID beside it', async () => {
  const simulator = await startForTest({ alerts: 0 });
  const guid = '0a1b2c3d-0000-4000-8000-00000000abcd_1';
  simulator.control.addAlerts([
    { id: guid },
    { id: 'da637472900382838869_-5' },
    { id: `da1${guid.slice(1)}` },
  ]);
  const call = (id: string) => callGraph(simulator, `/security/alerts_v2/${id}`);
  expect(await call(guid)).toMatchObject({ status: 404, body: { error: { code: 'NotFound' } } });
  expect((await call(`da${guid}`)).body).toMatchObject({ id: `da${guid}`, providerAlertId: guid });
  const ticks = await call('da637472900382838869_-5');
  expect(ticks.body).toMatchObject({
    id: 'da637472900382838869_-5',
    providerAlertId: 'da637472900382838869_-5',
  });
  const prefixed = await call(`da1${guid.slice(1)}`);
  expect(prefixed.body).toMatchObject({ id: `da1${guid.slice(1)}`, providerAlertId: `1${guid.slice(1)}` });
  // The log names all by the ID of the Defender API, so that calls about an alert can be counted across both APIs.
  expect(simulator.control.report().alerts).toMatchObject({ [guid]: 2, [`da1${guid.slice(1)}`]: 1 });
});

test('An alert without a device has evidence of other kinds, and an unknown device its ID alone', async () => {
  const simulator = await startForTest({ alerts: 0 });
  const machineId = 'f'.repeat(40);
  simulator.control.addAlerts([
    { id: 'deviceless', machineId: null },
    { id: 'stranger', machineId },
  ]);
  const { status, body } = await callGraph(simulator, '/security/alerts_v2/deviceless');
  expect(status).toBe(200);
  expect(body.evidence).not.toHaveLength(0);
  expect(await devicesOf(simulator, 'deviceless')).toEqual([]);
  const devices = await devicesOf(simulator, 'stranger');
  expect(devices).toContainEqual(
    expect.objectContaining({ mdeDeviceId: machineId, deviceDnsName: null, healthStatus: null }),
  );
});

test('Where an alert has several devices the main one is marked, in first place or not', async () => {
  const simulator = await startForTest({ alerts: 200, graphLimits: PLENTY });
  const token = await graphToken(simulator);
  const places = new Set<number>();
  for (const alert of simulator.control.alerts.all()) {
    const id = /^[\da-f]{8}-/.test(alert.id) ? `da${alert.id}` : alert.id;
    const devices = await devicesOf(simulator, id, token);
    const marked = devices.filter(({ detailedRoles }) => detailedRoles.length > 0);
    expect(marked.length === 1 || devices.length === 1).toBe(true);
    const main = marked[0] ?? devices[0];
    expect(main?.mdeDeviceId).toBe(alert.machineId);
    if (devices.length > 1 && main !== undefined) {
      places.add(devices.indexOf(main));
    }
  }
  expect(places).toEqual(new Set([0, 1]));
});

test('A token of Graph carries roles of Graph only, and one of Defender those of Defender', async () => {
  const simulator = await startForTest({ roles: ['Machine.Read.All', 'SecurityAlert.Read.All'] });
  const [graph, defender] = [await graphToken(simulator), await tokenOf(simulator)];
  expect(claimsOf(graph)).toMatchObject({ aud: GRAPH_AUDIENCE, roles: ['SecurityAlert.Read.All'] });
  expect(claimsOf(defender).roles).toEqual(['Machine.Read.All']);
  expect((await callApi(simulator, machinePath(simulator), { token: graph })).status).toBe(403);
  const { status, body } = await callGraph(simulator, '/security/alerts_v2/a', { token: defender });
  expect(status).toBe(401);
  expect(body).toEqual({
    error: {
      code: 'InvalidAuthenticationToken',
      message: 'Access token validation failure. Invalid audience.',
      innerError: {
        date: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d$/),
        'request-id': expect.stringMatching(/^[0-9a-f-]{36}$/),
        'client-request-id': expect.stringMatching(/^[0-9a-f-]{36}$/),
      },
    },
  });
});

test('A missing role gets 403 in the words of the real service, and each role opens its own route', async () => {
  const simulator = await startForTest({ roles: [], alerts: 1 });
  const [id = ''] = simulator.control.alertIds();
  const alertCall = () => callGraph(simulator, `/security/alerts_v2/${id}`);
  const huntingCall = () => hunt(simulator, 'AlertEvidence | where AlertId in (datatable(I:string)["a"])');
  expect((await alertCall()).body).toMatchObject({
    error: {
      code: 'Forbidden',
      message:
        'Missing application roles. API required roles: SecurityAlert.Read.All,SecurityAlert.ReadWrite.All,SecurityIncident.Read.All,SecurityIncident.ReadWrite.All, application roles: .',
    },
  });
  simulator.control.grantRoles(['SecurityIncident.Read.All']);
  expect((await alertCall()).status).toBe(200);
  expect(await huntingCall()).toMatchObject({
    status: 403,
    body: {
      error: {
        message:
          'Missing application roles. API required roles: ThreatHunting.Read.All, application roles: SecurityIncident.Read.All.',
      },
    },
  });
  simulator.control.revokeRoles(['SecurityIncident.Read.All']);
  simulator.control.grantRoles(['ThreatHunting.Read.All']);
  expect((await alertCall()).status).toBe(403);
  expect((await huntingCall()).status).toBe(200);
});

test('A poller lists the alerts updated since a time, page by page', async () => {
  const simulator = await startForTest();
  simulator.control.addAlerts([
    { id: 'one', severity: 'High', lastUpdateTime: '2030-01-01T00:00:00.0000001Z' },
    { id: 'two', severity: 'Low', status: 'InProgress', lastUpdateTime: '2030-01-01T00:00:00.0000003Z' },
    { id: 'three', severity: 'High', lastUpdateTime: '2030-01-01T00:00:00.0000002Z' },
  ]);
  const token = await graphToken(simulator);
  const list = async (query: Record<string, string>) =>
    (await callGraph(simulator, `/security/alerts_v2?${new URLSearchParams(query)}`, { token })).body;
  const idsOf = (body: Record<string, unknown>) => (body.value as { id: string }[]).map(({ id }) => id);
  const since = {
    $filter: 'lastUpdateDateTime ge 2030-01-01T00:00:00Z',
    $orderby: 'lastUpdateDateTime',
  };
  const first = await list({ ...since, $top: '2' });
  expect(idsOf(first)).toEqual(['one', 'three']);
  expect(first['@odata.nextLink']).toContain('skip=2');
  const second = await list({ ...since, $top: '2', $skip: '2' });
  expect(idsOf(second)).toEqual(['two']);
  expect(second).not.toHaveProperty('@odata.nextLink');
  expect(second.value).toMatchObject([
    { severity: 'low', status: 'inProgress', evidence: expect.any(Array) },
  ]);
  expect(idsOf(await list({ $filter: `${since.$filter} and severity eq 'high'` }))).toEqual(['one', 'three']);
});

test('A list has a hundred alerts unless asked for more, a thousand at most, and ends at 6,000', async () => {
  const simulator = await startForTest({ alerts: 1200 });
  const token = await graphToken(simulator);
  const list = (query: string) => callGraph(simulator, `/security/alerts_v2?${query}`, { token });
  expect((await list('')).body.value).toHaveLength(100);
  expect((await list('$top=5000')).body.value).toHaveLength(1000);
  expect((await list('$top=1000&$skip=1000')).body.value).toHaveLength(200);
  expect((await list('$top=1000&$skip=5000')).status).toBe(200);
  for (const query of ['$top=1000&$skip=5001', "$filter=id eq 'a'", '$orderby=title', '$top=few']) {
    expect(await list(query)).toMatchObject({ status: 400, body: { error: { code: 'BadRequest' } } });
  }
});

test('Alerts, hunting and the Defender API have limits of their own; a tenant shares that of hunting', async () => {
  const one = [{ calls: 1, windowMs: 60_000 }];
  const options = { limits: one, graphLimits: one, huntingLimits: one, now: () => START };
  const simulator = await startForTest(options);
  const alertOf = (token: string) => callGraph(simulator, '/security/alerts_v2/a', { token });
  const query = 'DeviceInfo | where DeviceId in (datatable(I:string)["a"])';
  const [first, second] = [
    await graphToken(simulator),
    await graphToken(simulator, { client_id: 'another' }),
  ];
  expect((await alertOf(first)).status).toBe(404);
  const throttled = await alertOf(first);
  expect(throttled).toMatchObject({ status: 429, body: { error: { code: 'TooManyRequests' } } });
  expect(throttled.headers.get('retry-after')).toBe('60');
  expect((await alertOf(second)).status).toBe(404);
  expect((await hunt(simulator, query, first)).status).toBe(200);
  const hunted = await hunt(simulator, query, second);
  expect(hunted.status).toBe(429);
  expect(hunted.body.error).toMatchObject({
    message: expect.stringContaining('Maximum allowed 1 per 00:01:00'),
  });
  expect((await callApi(simulator, machinePath(simulator))).status).toBe(200);
  const callsOf = (route: string) => simulator.control.calls().filter((call) => call.route === route);
  expect(highestInAnyWindow(callsOf('hunting'), 60_000)).toBe(1);
  expect(callsOf('graphAlert').map(({ counted }) => counted)).toEqual([true, false, true]);
});

test('Answers of Graph are spoiled as those of Defender are, with bodies of Graph', async () => {
  const simulator = await startForTest();
  const [, alertId = ''] = simulator.control.alertIds(2);
  simulator.control.scriptFaults({
    alertId,
    answers: ['http-500', 'http-504', 'forbidden', 'not-found', 'throttle-bare', 'reset', 'truncated', 'ok'],
  });
  const token = await graphToken(simulator);
  const call = () => callGraph(simulator, `/security/alerts_v2/${alertId}`, { token });
  const unknown = { error: { code: 'UnknownError', message: '' } };
  expect(await call()).toMatchObject({ status: 500, body: unknown });
  expect(await call()).toMatchObject({ status: 504, body: unknown });
  expect((await call()).body.error).toMatchObject({
    message: expect.stringContaining('SecurityAlert.Read.All'),
  });
  expect(await call()).toMatchObject({ status: 404, body: { error: { code: 'NotFound' } } });
  expect(await call()).toMatchObject({ status: 429, body: { error: { code: 'TooManyRequests' } } });
  await expect(call()).rejects.toThrow('fetch failed');
  await expect(call()).rejects.toThrow(SyntaxError);
  expect((await call()).status).toBe(200);
});

test('Fault rates can be those of one API', async () => {
  const simulator = await startForTest();
  const path = `/security/alerts_v2/${simulator.control.alertIds()[1]}`;
  const statuses = async () => [
    (await callGraph(simulator, path)).status,
    (await callApi(simulator, machinePath(simulator, 1))).status,
    (await hunt(simulator, 'DeviceInfo | where DeviceId in (datatable(I:string)["a"])')).status,
  ];
  simulator.control.setFaultRates({ 'http-503': 1 }, ['graph']);
  expect(await statuses()).toEqual([503, 200, 200]);
  simulator.control.setFaultRates({ 'http-500': 1 }, ['defender', 'hunting']);
  expect(await statuses()).toEqual([503, 500, 500]);
  simulator.control.setFaultRates({});
  expect(await statuses()).toEqual([200, 200, 200]);
});

test('An unknown resource of Graph and a wrong method are refused', async () => {
  const simulator = await startForTest();
  expect((await callGraph(simulator, '/security/alerts')).status).toBe(400);
  expect((await callGraph(simulator, '/security/runHuntingQuery')).status).toBe(405);
  expect((await callGraph(simulator, '/security/alerts_v2', { body: {} })).status).toBe(405);
});
