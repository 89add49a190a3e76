import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { TENANT_ID } from '#dev/simulator/identity.ts';
import { parseCommandLine } from '#dev/simulator/options.ts';
import type { RunningSimulator } from '#dev/simulator/simulator.ts';
import { callApi, machinePath, requestToken, startForTest, tokenOf } from './simulatorFixture.ts';

async function get(simulator: RunningSimulator, path: string) {
  return (await fetch(`${simulator.controlUrl}${path}`)).json() as Promise<unknown>;
}

async function post(simulator: RunningSimulator, path: string, body: unknown = {}) {
  const response = await fetch(`${simulator.controlUrl}${path}`, {
    method: 'POST',
    body: JSON.stringify(body),
  });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

test('The report and the log say what was served', async () => {
  const simulator = await startForTest({ now: () => 1_800_000_000_000 });
  const [alertId = ''] = simulator.control.alertIds(1);
  const token = await tokenOf(simulator);
  await callApi(simulator, machinePath(simulator), { token });
  await callApi(simulator, '/api/alerts/nowhere/machine', { token });
  await callApi(simulator, '/api/alerts', { token });
  expect(await get(simulator, '/report')).toEqual({
    calls: 3,
    counted: 2,
    throttled: 0,
    routes: { alertMachine: { 200: 1, 404: 1 }, alerts: { 403: 1 } },
    alerts: { [alertId]: 1, nowhere: 1 },
    faults: {},
    tokensIssued: 1,
    neighbourCalls: 0,
  });
  const log = (await get(simulator, '/calls')) as unknown[];
  expect(log).toHaveLength(3);
  expect(log[0]).toEqual({
    time: 1_800_000_000_000,
    route: 'alertMachine',
    alertId,
    appId: expect.stringMatching(/^[0-9a-f-]{36}$/),
    tenantId: TENANT_ID,
    owners: [TENANT_ID],
    status: 200,
    counted: true,
    fault: null,
  });
  expect(await get(simulator, '/tokens')).toEqual([token]);
});

test('Faults, roles, identity, neighbour and alerts are controlled over HTTP, and reset undoes it all', async () => {
  const simulator = await startForTest();
  const { alertIds } = (await get(simulator, '/alerts?count=2')) as { alertIds: string[] };
  expect(alertIds).toEqual(simulator.control.alertIds(2));
  await post(simulator, '/faults', {
    rates: { 'http-503': 1 },
    scripts: [
      { alertId: alertIds[1], answers: ['ok', { kind: 'throttle-body', waitSeconds: 3 }], forever: true },
    ],
  });
  expect((await callApi(simulator, machinePath(simulator, 0))).status).toBe(503);
  expect((await callApi(simulator, machinePath(simulator, 1))).status).toBe(200);
  expect((await callApi(simulator, machinePath(simulator, 1))).status).toBe(429);
  await post(simulator, '/faults', { rates: {} });
  expect((await callApi(simulator, machinePath(simulator, 0))).status).toBe(200);

  await post(simulator, '/roles', { revoke: ['Machine.Read.All'] });
  expect((await callApi(simulator, machinePath(simulator))).status).toBe(403);
  await post(simulator, '/roles', { grant: ['Machine.ReadWrite.All'] });
  expect((await callApi(simulator, machinePath(simulator))).status).toBe(200);
  await post(simulator, '/identity', { mode: 'outage' });
  expect((await requestToken(simulator)).status).toBe(500);

  expect((await post(simulator, '/alerts', { count: 3 })).body.alertIds).toHaveLength(3);
  expect((await post(simulator, '/alerts', { alerts: [{ id: 'mine' }] })).body).toEqual({
    alertIds: ['mine'],
  });
  expect((await post(simulator, '/neighbour', { share: 0.5 })).status).toBe(200);

  await post(simulator, '/reset');
  expect(simulator.control.alertIds()).toHaveLength(60);
  expect(simulator.control.report()).toMatchObject({ calls: 0 });
  expect((await callApi(simulator, machinePath(simulator, 1))).status).toBe(200);
});

test.for([
  ['/faults', { rates: { 'http-500': 2 } }],
  ['/faults', { rates: { 'http-500': 0.6, reset: 0.6 } }],
  ['/faults', { rates: { earthquake: 0.1 } }],
  ['/faults', { scripts: [{ alertId: 'a', answers: [] }] }],
  ['/identity', { mode: 'asleep' }],
  ['/neighbour', { share: -1 }],
  ['/alerts', { count: 0 }],
])('A control that makes no sense is refused with a reason: %s %o', async ([path, body]) => {
  const simulator = await startForTest();
  const answer = await post(simulator, path as string, body);
  expect(answer.status).toBe(400);
  expect(answer.body.message).not.toBe('');
});

test('An unknown control names the known ones, and text that is not JSON is refused', async () => {
  const simulator = await startForTest();
  const unknown = await post(simulator, '/weather');
  expect(unknown).toMatchObject({ status: 404, body: { message: expect.stringContaining('POST /faults') } });
  const malformed = await fetch(`${simulator.controlUrl}/faults`, { method: 'POST', body: '{' });
  expect(malformed.status).toBe(400);
});

test('The command line reads every option', () => {
  const commandLine =
    '--port 8080 --identity-port 8081 --seed x --machines 5 --alerts 6 --limits 100/6s,1500/90s --graph-limits 120/6s --hunting-limits 20/6s --retired 410 --windows fixed --latency 5ms..20ms --roles Machine.Read.All,Alert.Read.All --token-lifetime 10m --client-id 6a1f0b52-3c55-4a7e-9a53-20c1d7a0f001 --tenants 3';
  expect(parseCommandLine(commandLine.split(' '))).toEqual({
    port: 8080,
    identityPort: 8081,
    seed: 'x',
    machines: 5,
    alerts: 6,
    limits: [
      { calls: 100, windowMs: 6000 },
      { calls: 1500, windowMs: 90_000 },
    ],
    graphLimits: [{ calls: 120, windowMs: 6000 }],
    huntingLimits: [{ calls: 20, windowMs: 6000 }],
    retired: 410,
    windows: 'fixed',
    latency: { least: 5, most: 20 },
    roles: ['Machine.Read.All', 'Alert.Read.All'],
    tokenLifetimeSeconds: 600,
    userAssignedClientId: '6a1f0b52-3c55-4a7e-9a53-20c1d7a0f001',
    tenants: [{}, {}],
  });
});

test.for([
  ['--port', 'x'],
  ['--machines', '0'],
  ['--limits', '100'],
  ['--limits', '0/1m'],
  ['--graph-limits', '120'],
  ['--hunting-limits', '0/1m'],
  ['--retired', '500'],
  ['--tenants', '0'],
  ['--windows', 'open'],
  ['--latency', '5'],
])('A wrong option is named with what it got: %s %s', ([option = '', value = '']) => {
  expect(() => parseCommandLine([option, value])).toThrow(new RegExp(`${option}.*'${value}'`));
});

test('As a process it prints one line when it is ready, serves, and ends on SIGTERM', async () => {
  const main = fileURLToPath(new URL('../../../dev/simulator/main.ts', import.meta.url));
  const child = spawn(process.execPath, [main, '--machines', '50', '--alerts', '10'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const [line] = (await once(createInterface(child.stdout), 'line')) as [string];
  const { ready, ...addresses } = JSON.parse(line);
  expect(ready).toBe(true);
  expect(await get(addresses, '/report')).toMatchObject({ calls: 0 });
  expect((await requestToken(addresses)).status).toBe(200);
  child.kill('SIGTERM');
  const [code] = await once(child, 'exit');
  expect(code).toBe(0);
});
