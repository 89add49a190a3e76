import got from 'got';
import { expect, test } from 'vitest';
import { highestInAnyWindow } from '#dev/simulator/callLog.ts';
import { callApi, machinePath, startForTest, tokenOf } from './simulatorFixture.ts';

const START = Date.parse('2026-11-01T00:00:00Z');
const bodyOf = async (response: Response) => (await response.json()) as Record<string, unknown>;

test('An alert leads to its machine, sent with the headers of the real service', async () => {
  const simulator = await startForTest();
  const [alert] = simulator.control.alerts.all();
  for (const prefix of ['/api', '/api/v1.0']) {
    const response = await callApi(simulator, `${prefix}/alerts/${alert?.id}/machine`);
    expect(response.status).toBe(200);
    expect(await bodyOf(response)).toMatchObject({
      '@odata.context': 'https://api.securitycenter.microsoft.com/api/$metadata#Machines/$entity',
      ...simulator.control.fleet.byId(alert?.machineId ?? ''),
    });
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'content-type': 'application/json; odata.metadata=minimal; odata.streaming=true; charset=utf-8',
      'odata-version': '4.0',
      'content-encoding': 'deflate',
      'transfer-encoding': 'chunked',
    });
  }
});

test('A caller that does not accept deflate gets plain JSON', async () => {
  const simulator = await startForTest();
  const response = await callApi(simulator, machinePath(simulator), {
    headers: { 'Accept-Encoding': 'identity' },
  });
  expect(response.headers.get('content-encoding')).toBeNull();
  expect(await bodyOf(response)).toHaveProperty('id');
});

test('got reads an undisturbed answer', async () => {
  const simulator = await startForTest();
  const headers = { Authorization: `Bearer ${await tokenOf(simulator)}` };
  const machine = await got(`${simulator.apiUrl}${machinePath(simulator)}`, { headers }).json();
  expect(machine).toHaveProperty('id');
});

test.for([
  [
    'an unknown alert',
    '/api/alerts/da637472900382838869_1/machine',
    'Alert da637472900382838869_1 not found',
  ],
  ['an alert without a device', '/api/alerts/deviceless/machine', 'Machine null was not found'],
  ['an unknown machine', '/api/machines/nowhere', 'Machine nowhere was not found'],
  ['a segment that is badly encoded', '/api/alerts/%E0%A4%A/machine', 'Alert %E0%A4%A not found'],
  ['an unknown route', '/api/alerts/a/machine/b', 'No HTTP resource was found that matches'],
])('404 for %s', async ([, path, message]) => {
  const simulator = await startForTest();
  simulator.control.addAlerts([{ id: 'deviceless', machineId: null }]);
  const response = await callApi(simulator, path as string);
  expect(response.status).toBe(404);
  expect(await bodyOf(response)).toEqual({
    error: {
      code: 'ResourceNotFound',
      message: expect.stringContaining(message as string),
      target: expect.stringMatching(/^[0-9a-f-]{36}$/),
    },
  });
});

test('A token that is missing, malformed, forged or expired gets 401', async () => {
  let now = START;
  const simulator = await startForTest({ now: () => now });
  const other = await startForTest({ now: () => now });
  const path = machinePath(simulator);
  const token = await tokenOf(simulator);
  expect((await fetch(`${simulator.apiUrl}${path}`)).status).toBe(401);
  expect((await callApi(simulator, path, { token: 'nonsense' })).status).toBe(401);
  expect((await callApi(simulator, path, { token: await tokenOf(other) })).status).toBe(401);
  now += 3_599_000;
  expect((await callApi(simulator, path, { token })).status).toBe(200);
  now += 1000;
  const response = await callApi(simulator, path, { token });
  expect(response.status).toBe(401);
  expect(await bodyOf(response)).toMatchObject({ error: { code: 'Unauthorized' } });
});

test('A token for another API gets 403', async () => {
  const simulator = await startForTest();
  const token = await tokenOf(simulator, { resource: 'https://graph.microsoft.com' });
  const response = await callApi(simulator, machinePath(simulator), { token });
  expect(response.status).toBe(403);
  expect(await bodyOf(response)).toMatchObject({ error: { message: expect.stringContaining('audience') } });
});

test('A missing role gets 403 with the name of the role', async () => {
  const simulator = await startForTest();
  simulator.control.revokeRoles(['Machine.Read.All']);
  for (const [path, role] of [
    [machinePath(simulator), 'Machine.Read.All'],
    ['/api/machines', 'Machine.Read.All'],
    ['/api/alerts', 'Alert.Read.All'],
  ] as const) {
    const response = await callApi(simulator, path);
    expect(response.status).toBe(403);
    expect(await bodyOf(response)).toMatchObject({
      error: { code: 'Forbidden', message: `Missing application roles. API required roles: ${role}` },
    });
  }
});

test('Over the quota a call gets 429 with the real text and header, until the time it names', async () => {
  let now = START;
  const limits = [
    { calls: 3, windowMs: 60_000 },
    { calls: 4, windowMs: 3_600_000 },
  ];
  const simulator = await startForTest({ limits, tokenLifetimeSeconds: 86_400, now: () => now });
  const token = await tokenOf(simulator);
  const call = () => callApi(simulator, machinePath(simulator), { token });
  for (let index = 0; index < 3; index += 1) {
    expect((await call()).status).toBe(200);
  }
  now += 10_500;
  const response = await call();
  expect(response.status).toBe(429);
  expect(response.headers.get('retry-after')).toBe('50');
  expect(await bodyOf(response)).toEqual({
    error: {
      code: '429',
      message:
        'API calls quota exceeded! Maximum allowed 3 per 00:01:00 for the key Destination+TenantID+AppID. You can send requests again in 50 seconds.',
      target: expect.stringMatching(/^[0-9a-f-]{36}$/),
    },
  });
  now += 50_000;
  expect((await call()).status).toBe(200);
  const hourly = await call();
  expect(hourly.headers.get('retry-after')).toBe('3540');
  expect(await bodyOf(hourly)).toMatchObject({
    error: { message: expect.stringContaining('4 per 01:00:00') },
  });
  const calls = simulator.control.calls();
  expect(highestInAnyWindow(calls, 60_000)).toBe(3);
  expect(simulator.control.report()).toMatchObject({ calls: 6, counted: 4, throttled: 2 });
});

test('All routes share one bucket, every app has its own, and refused calls do not count', async () => {
  const simulator = await startForTest({ limits: [{ calls: 2, windowMs: 60_000 }], now: () => START });
  const [first, second] = [await tokenOf(simulator), await tokenOf(simulator, { client_id: 'another-app' })];
  expect((await callApi(simulator, '/api/alerts', { token: first })).status).toBe(403);
  expect((await callApi(simulator, '/api/machines?$top=1', { token: first })).status).toBe(200);
  expect((await callApi(simulator, '/api/machines/nowhere', { token: first })).status).toBe(404);
  expect((await callApi(simulator, machinePath(simulator), { token: first })).status).toBe(429);
  expect((await callApi(simulator, machinePath(simulator), { token: second })).status).toBe(200);
});

test('Machines are found by ID, by name and by lists of IDs', async () => {
  const simulator = await startForTest();
  const { machines } = simulator.control.fleet;
  const named = machines.find((machine) => machine.computerDnsName?.endsWith('.corp.example.com'));
  const ids = machines.slice(0, 3).map((machine) => machine.id);
  const get = async (path: string) => bodyOf(await callApi(simulator, path));
  const idsOf = async (query: Record<string, string>) => {
    const { value } = await get(`/api/machines?${new URLSearchParams(query)}`);
    return (value as { id: string }[]).map((machine) => machine.id);
  };
  expect(await get(`/api/machines/${named?.computerDnsName?.toUpperCase()}`)).toMatchObject({
    id: named?.id,
  });
  expect(await get(`/api/machines/${named?.id}`)).toMatchObject({ id: named?.id });
  expect(await idsOf({ $filter: `id in ("${ids.join('","')}")` })).toEqual(ids);
  expect(await idsOf({ $filter: `id eq '${ids[1]}'` })).toEqual([ids[1]]);
  expect(await idsOf({ $filter: `computerDnsName eq '${named?.computerDnsName}'` })).toEqual([named?.id]);
  const active = machines.filter((machine) => machine.healthStatus === 'Active').map((machine) => machine.id);
  expect(await idsOf({ $filter: "healthStatus eq 'Active'", $top: '5', $skip: '2' })).toEqual(
    active.slice(2, 7),
  );
  expect(await get('/api/machines?$select=id,riskScore&$top=1')).toEqual({
    '@odata.context': 'https://api.securitycenter.microsoft.com/api/$metadata#Machines',
    value: [{ id: machines[0]?.id, riskScore: machines[0]?.riskScore }],
  });
  expect(await get('/api/machines?$filter=secret eq 1')).toMatchObject({ error: { code: 'ODataError' } });
});

test('A poller reads the alerts updated since a time, page by page', async () => {
  const simulator = await startForTest({ roles: ['Alert.Read.All'] });
  const added = simulator.control.addAlerts([
    { id: 'one', severity: 'High', lastUpdateTime: '2030-01-01T00:00:00.0000001Z' },
    { id: 'two', severity: 'Low', lastUpdateTime: '2030-01-01T00:00:00.0000003Z' },
    { id: 'three', severity: 'High', lastUpdateTime: '2030-01-01T00:00:00.0000002Z' },
  ]);
  const token = await tokenOf(simulator);
  const idsOf = async (query: Record<string, string>) => {
    const body = await bodyOf(
      await callApi(simulator, `/api/alerts?${new URLSearchParams(query)}`, { token }),
    );
    return (body.value as { id: string }[]).map((alert) => alert.id);
  };
  const since = { $filter: 'lastUpdateTime ge 2030-01-01T00:00:00Z', $orderby: 'lastUpdateTime asc' };
  expect(await idsOf({ ...since, $top: '2' })).toEqual(['one', 'three']);
  expect(await idsOf({ ...since, $top: '2', $skip: '2' })).toEqual(['two']);
  expect(await idsOf({ $filter: `${since.$filter} and severity eq 'High'` })).toEqual(['one', 'three']);
  expect(await bodyOf(await callApi(simulator, '/api/alerts/two', { token }))).toMatchObject({
    machineId: added[1]?.machineId,
  });
});

test('A list longer than a page links to the next one, unless the caller named the size', async () => {
  const simulator = await startForTest({ roles: ['Alert.Read.All'], alerts: 10_001 });
  const token = await tokenOf(simulator);
  const first = await bodyOf(await callApi(simulator, '/api/alerts', { token }));
  expect(first.value).toHaveLength(10_000);
  const link = new URL(first['@odata.nextLink'] as string);
  const second = await bodyOf(await callApi(simulator, `${link.pathname}${link.search}`, { token }));
  expect(second.value).toHaveLength(1);
  expect(second).not.toHaveProperty('@odata.nextLink');
  const sized = await bodyOf(await callApi(simulator, '/api/alerts?$top=10', { token }));
  expect(sized).not.toHaveProperty('@odata.nextLink');
});
