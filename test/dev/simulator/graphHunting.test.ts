import { expect, test } from 'vitest';
import type { MachineRecord } from '#dev/simulator/fleet/machineRecord.ts';
import type { RunningSimulator } from '#dev/simulator/simulator.ts';
import {
  alertsQuery,
  callGraph,
  candidatesQuery,
  devicesQuery,
  GRAPH_AUDIENCE,
  hunt,
  PLENTY,
  rowsOf,
} from './graphFixture.ts';
import { startForTest, tokenOf } from './simulatorFixture.ts';

const START = Date.parse('2026-11-01T00:02:00Z');
const OTHER_GUID = '1a1b2c3d-0000-4000-8000-00000000abcd_1';
const DAY_MS = 86_400_000;

/** Whether the Defender API saw the machine in the last days, as hunting needs it for data of that age. */
const wasSeen = ({ lastSeen }: MachineRecord, days: number) =>
  lastSeen == null || Date.parse(String(lastSeen)) > Date.now() - days * DAY_MS;

/** A machine of which both APIs know everything usual. */
function everydayMachine({ control }: RunningSimulator): MachineRecord {
  const found = control.fleet.machines.findLast(
    (machine) =>
      wasSeen(machine, 7) &&
      machine.isExcluded === false &&
      machine.osBuild &&
      machine.osPlatform !== 'macOS' &&
      machine.ipAddresses?.length,
  );
  if (found === undefined) {
    throw new Error('There is no everyday machine in this fleet.');
  }
  return found;
}

const messageOf = (body: Record<string, unknown>) => (body.error as { message: string }).message;

/** What a query for these alerts is answered in one form of the wire. */
async function huntIn(
  simulator: RunningSimulator,
  wire: 'text' | 'native' | 'mixed',
  ids: readonly string[],
) {
  simulator.control.setHunting({ wire });
  return hunt(simulator, alertsQuery(ids));
}

test('Devices are described in text columns that agree with the Defender API', async () => {
  const simulator = await startForTest({ machines: 400 });
  const { machines } = simulator.control.fleet;
  const reply = await hunt(simulator, devicesQuery(machines.map(({ id }) => id)));
  expect(reply.body.schema).toContainEqual({ name: 'IsExcluded', type: 'String' });
  const rows = new Map(rowsOf(reply).map((row) => [row.DeviceId, row as Record<string, string>]));
  expect([...rows.keys()]).toEqual(machines.filter((machine) => wasSeen(machine, 30)).map(({ id }) => id));
  const words = (value: unknown) =>
    String(value ?? '')
      .replaceAll(' ', '')
      .toLowerCase();
  const list = (text = '') => (text === '' ? [] : (JSON.parse(text) as string[]));
  for (const machine of machines.filter(({ id }) => rows.has(id))) {
    const row = rows.get(machine.id) as Record<string, string>;
    expect((machine.computerDnsName ?? '').startsWith(row.DeviceName ?? '?')).toBe(true);
    expect(row).toMatchObject({
      OSPlatform: machine.osPlatform ?? '',
      OSArchitecture: machine.osArchitecture ?? '',
      ClientVersion: machine.agentVersion ?? '',
      PublicIP: machine.lastExternalIpAddress ?? '',
      AadDeviceId: machine.aadDeviceId ?? '',
      ExposureLevel: machine.exposureLevel ?? '',
      IsAzureADJoined: String(machine.isAadJoined ?? ''),
      IsExcluded: String(machine.isExcluded ?? ''),
      ExclusionReason: machine.exclusionReason ?? '',
      MergedToDeviceId: machine.mergedIntoMachineId ?? '',
    });
    expect(words(row.SensorHealthState)).toBe(words(machine.healthStatus));
    expect(words(row.OnboardingStatus)).toBe(words(machine.onboardingStatus));
    expect(row.AssetValue || 'Normal').toBe(machine.deviceValue ?? 'Normal');
    expect(row.OSVersionInfo || row.OSVersion).toBe(machine.version ?? '');
    const tags = [row.RegistryDeviceTag, ...list(row.DeviceManualTags), ...list(row.DeviceDynamicTags)];
    expect(new Set(tags.filter((tag) => tag !== ''))).toEqual(
      new Set((machine.machineTags ?? []) as string[]),
    );
    const adapters = list(row.Interfaces) as unknown as { ips: { IPAddress: string }[] }[];
    const addresses = adapters.flatMap(({ ips }) => ips.map(({ IPAddress }) => IPAddress));
    const known = (machine.ipAddresses ?? []).flatMap(({ ipAddress }) => ipAddress || []);
    expect(addresses.filter((address) => address !== '10.255.0.9')).toEqual(
      wasSeen(machine, 7) ? expect.arrayContaining(known) : [],
    );
  }
});

test('Adapters are known for 7 days after the last report, and the device for 30', async () => {
  let now = Date.now();
  const simulator = await startForTest({ now: () => now });
  const { id } = everydayMachine(simulator);
  const interfacesAfter = async (days: number) => {
    now += days * DAY_MS;
    return rowsOf(await hunt(simulator, devicesQuery([id]))).map(({ Interfaces }) => Interfaces !== '');
  };
  expect(await interfacesAfter(4)).toEqual([true]);
  expect(await interfacesAfter(4)).toEqual([false]);
  expect(await interfacesAfter(19)).toEqual([false]);
  expect(await interfacesAfter(4)).toEqual([]);
});

test('Some devices still have the row of an adapter from days before', async () => {
  const simulator = await startForTest({ machines: 400 });
  const reply = await hunt(simulator, devicesQuery(simulator.control.fleet.machines.map(({ id }) => id)));
  const stale = rowsOf(reply).filter(({ Interfaces }) => String(Interfaces).includes('10.255.0.9'));
  expect(stale.length).toBeGreaterThan(10);
  for (const { Interfaces, DeviceInfoTime } of stale) {
    const adapters = JSON.parse(String(Interfaces)) as { seen: string; ips: { IPAddress: string }[] }[];
    const old = adapters.find(({ ips }) => ips.some(({ IPAddress }) => IPAddress === '10.255.0.9'));
    expect(Date.parse(String(DeviceInfoTime)) - Date.parse(old?.seen ?? '')).toBeGreaterThan(DAY_MS);
  }
});

test('Alerts lead to the devices that their evidence names, the main one ranked first', async () => {
  const simulator = await startForTest({ machines: 200, alerts: 200 });
  const alerts = simulator.control.alerts.all();
  const rows = rowsOf(await hunt(simulator, candidatesQuery([...alerts.map(({ id }) => id), 'unknown'])));
  const byAlert = Map.groupBy(rows, ({ RequestId }) => RequestId);
  expect(byAlert.size).toBe(200);
  for (const alert of alerts) {
    const ranked = byAlert.get(alert.id)?.toSorted((left, right) => Number(left.Rank) - Number(right.Rank));
    expect(ranked?.[0]).toEqual({
      RequestId: alert.id,
      DeviceId: alert.machineId,
      Rank: expect.stringMatching(/^[012]$/),
      EvidenceTime: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{7}Z$/),
    });
    expect(ranked?.slice(1).every(({ Rank }) => Rank === '3')).toBe(true);
  }
  expect(rows.length).toBeGreaterThan(210);
});

test('Every alert asked for has a row that says what became of it, by either of its IDs', async () => {
  const simulator = await startForTest();
  const guid = '0a1b2c3d-0000-4000-8000-00000000abcd_1';
  const { fleet } = simulator.control;
  const everyday = everydayMachine(simulator).id;
  simulator.control.addAlerts([
    { id: guid, machineId: everyday },
    { id: `da${OTHER_GUID}`, machineId: everyday },
    { id: 'deviceless', machineId: null },
    { id: 'long-gone', machineId: fleet.ofShape('no fractional digits')?.id },
    { id: 'stranger', machineId: 'f'.repeat(40) },
  ]);
  const ids = [guid, `da${guid}`, OTHER_GUID, 'deviceless', 'long-gone', 'stranger', 'unknown'];
  const reply = await hunt(simulator, alertsQuery(ids));
  expect(reply.body.schema).toHaveLength(40);
  const rows = rowsOf(reply);
  expect(rows.map(({ RequestId }) => RequestId)).toEqual(ids);
  expect(rows.map(({ Outcome }) => Outcome)).toEqual([
    'device',
    'device',
    'device',
    'alert_without_device',
    'device_without_info',
    'device_without_info',
    'alert_unknown',
  ]);
  expect(rows[0]).toMatchObject({ DeviceId: everyday, EvidenceRows: expect.stringMatching(/^[34]$/) });
  expect(rows[5]).toMatchObject({
    DeviceId: 'f'.repeat(40),
    DeviceInfoTime: '',
    DeviceName: '',
    OSBuild: '',
  });
  expect(rows[6]).toMatchObject({ DeviceId: '', EvidenceRows: '0', MainRank: '', DeviceCount: '' });
  const described = await hunt(simulator, `${devicesQuery([everyday, 'f'.repeat(40)])} | extend Outcome = 1`);
  expect(rowsOf(described).map(({ Outcome }) => Outcome)).toEqual(['device', 'device_without_info']);
  // AlertEvidence alone does not tell whether DeviceInfo has more.
  const outcomes = rowsOf(await hunt(simulator, `${candidatesQuery(ids)}, Outcome`));
  expect(outcomes.map(({ Outcome }) => Outcome)).toEqual([
    'device',
    'device',
    'device',
    'alert_without_device',
    'device',
    'device',
    'alert_unknown',
  ]);
  expect(outcomes[0]).toMatchObject({ DeviceId: everyday, Rank: expect.stringMatching(/^[012]$/) });
});

test('The answer has the columns that the query ends with', async () => {
  const simulator = await startForTest();
  const { id } = everydayMachine(simulator);
  const columnsOf = async (end: string) => {
    const { body } = await hunt(simulator, `${devicesQuery([id])}\n${end}`);
    return (body.schema as { name: string }[]).map(({ name }) => name);
  };
  expect(await columnsOf('| project DeviceId, Health = SensorHealthState')).toEqual(['DeviceId', 'Health']);
  expect(await columnsOf('| project DeviceId, OSBuild | extend OSBuild = tostring(OSBuild)')).toEqual([
    'DeviceId',
    'OSBuild',
  ]);
  expect(await columnsOf('| project DeviceId, OSPlatform, OSBuild | project-away OSBuild')).toEqual([
    'DeviceId',
    'OSPlatform',
  ]);
  const { body } = await hunt(
    simulator,
    `${devicesQuery([id])} | project DeviceId, Health = SensorHealthState`,
  );
  expect(body.results).toEqual([{ DeviceId: id, Health: expect.stringMatching(/./) }]);
  // A query about devices only has no columns of alerts.
  const wrong = await hunt(simulator, `${devicesQuery([id])} | project DeviceId, RiskScore`);
  expect(wrong.status).toBe(400);
  expect(messageOf(wrong.body)).toContain("Failed to resolve scalar expression named 'RiskScore'");
});

test('Uncast columns arrive as captured: bools as numbers, null as {}, objects as text, types beside them', async () => {
  const simulator = await startForTest();
  const { fleet } = simulator.control;
  const everyday = everydayMachine(simulator);
  simulator.control.addAlerts([
    { id: 'everyday', machineId: everyday.id },
    { id: 'null', machineId: fleet.ofShape('all null')?.id },
  ]);
  const { body } = await huntIn(simulator, 'native', ['everyday', 'null']);
  expect(body.schema).toContainEqual({ name: 'IsExcluded', type: 'SByte' });
  const [first, second] = body.results as Record<string, unknown>[];
  expect(first).toMatchObject({
    IsExcluded: 0,
    'IsExcluded@odata.type': '#SByte',
    OSBuild: everyday.osBuild,
    'Interfaces@odata.type': '#Collection(String)',
  });
  expect(JSON.parse(String(Object(first).Interfaces[0]))).toHaveProperty('mac');
  expect(second).toMatchObject({ IsExcluded: {}, OSBuild: {}, Interfaces: {}, OSPlatform: '' });
  expect((await huntIn(simulator, 'native', [])).body).not.toHaveProperty('results');
});

test('A mixed wire has both forms, keys in every case and every spelling of a bool', async () => {
  const simulator = await startForTest({ huntingLimits: PLENTY });
  const ids = simulator.control.alertIds(5);
  const seen = { keys: new Set<string>(), bools: new Set<unknown>() };
  for (let index = 0; index < 60; index += 1) {
    const { body } = await huntIn(simulator, 'mixed', ids);
    const results = Object.keys(body).find((key) => key.toLowerCase() === 'results') ?? '';
    seen.keys.add(results);
    for (const row of body[results] as Record<string, unknown>[]) {
      seen.bools.add(typeof row.IsExcluded === 'object' ? '{}' : row.IsExcluded);
    }
  }
  expect(seen.keys).toEqual(new Set(['results', 'Results', 'RESULTS']));
  expect([...seen.bools]).toEqual(expect.arrayContaining(['false', 'False', '0', 0]));
});

test('A table that the tenant does not have, too many IDs and bad text are each refused in their words', async () => {
  const simulator = await startForTest({ huntingLimits: PLENTY });
  const ids = simulator.control.alertIds(3);
  const refusalOf = async (query: string) => {
    const { status, body } = await hunt(simulator, query);
    expect({ status, code: (body.error as { code: string }).code }).toEqual({
      status: 400,
      code: 'BadRequest',
    });
    return messageOf(body);
  };
  simulator.control.setHunting({ absentTables: ['DeviceNetworkInfo'] });
  expect(await refusalOf(alertsQuery(ids))).toMatch(
    /Failed to resolve table or column expression named 'DeviceNetworkInfo'.*Fix semantic errors/,
  );
  expect((await hunt(simulator, candidatesQuery(ids))).status).toBe(200);
  simulator.control.setHunting({ absentTables: [], mostIds: 2 });
  expect(await refusalOf(alertsQuery(ids))).toContain('exceeded the allowed limits');
  expect((await hunt(simulator, alertsQuery(ids.slice(0, 2)))).status).toBe(200);
  expect(await refusalOf('AlertEvidence | where (')).toContain('Fix syntax errors');
  expect(await refusalOf('EmailEvents | take 1')).toContain('AlertEvidence, DeviceInfo');
  expect(await refusalOf('DeviceInfo | take 1')).toContain('datatable');
});

test('Rows beyond the maximum are cut without a word', async () => {
  const simulator = await startForTest();
  simulator.control.setHunting({ maximumRows: 2 });
  const reply = await hunt(simulator, alertsQuery(simulator.control.alertIds(3)));
  expect(reply.status).toBe(200);
  expect(rowsOf(reply)).toHaveLength(2);
});

test('A used-up CPU quota refuses every query until the next quarter of an hour', async () => {
  let now = START;
  const simulator = await startForTest({ huntingLimits: PLENTY, now: () => now });
  const token = await tokenOf(simulator, { resource: GRAPH_AUDIENCE });
  const call = () => hunt(simulator, candidatesQuery(simulator.control.alertIds(1)), token);
  simulator.control.exhaustHunting();
  const bare = await call();
  expect(bare.status).toBe(429);
  expect(bare.headers.get('retry-after')).toBeNull();
  expect(messageOf(bare.body)).toBe('This query exceeded processing resources allocated to this tenant.');
  now = Date.parse('2026-11-01T00:14:59.999Z');
  expect((await call()).status).toBe(429);
  now += 1;
  expect((await call()).status).toBe(200);
  simulator.control.exhaustHunting({ hint: 'minutes' });
  expect(messageOf((await call()).body)).toMatch(/run queries again in 15 minutes\.$/);
  simulator.control.exhaustHunting({ seconds: 30, hint: 'retry-after' });
  expect((await call()).headers.get('retry-after')).toBe('30');
  now += 30_000;
  expect((await call()).status).toBe(200);
  expect(simulator.control.report()).toMatchObject({ counted: 2, throttled: 4 });
});

test('Hunting is spoiled by scripts for its route, and the log says which IDs were asked for', async () => {
  const simulator = await startForTest({ huntingLimits: PLENTY });
  const ids = simulator.control.alertIds(2);
  simulator.control.scriptFaults({
    alertId: 'hunting',
    answers: ['http-504', 'bad-request', 'throttle-body', 'empty-object', 'ok'],
  });
  const call = () => hunt(simulator, candidatesQuery(ids));
  expect(await call()).toMatchObject({ status: 504, body: { error: { code: 'UnknownError', message: '' } } });
  expect(messageOf((await call()).body)).toContain('Fix syntax errors');
  expect(messageOf((await call()).body)).toContain('quota exceeded');
  expect(await call()).toMatchObject({ status: 200, body: {} });
  expect(rowsOf(await call())).not.toHaveLength(0);
  expect(simulator.control.calls()).toHaveLength(5);
  expect(simulator.control.calls()[0]).toMatchObject({ route: 'hunting', alertId: null, ids });
});

test('The body of a query may have names in any case, and must hold a query', async () => {
  const simulator = await startForTest({ huntingLimits: PLENTY });
  const query = candidatesQuery(simulator.control.alertIds(1));
  const post = (body: unknown) => callGraph(simulator, '/security/runHuntingQuery', { body });
  for (const body of [{ query, timespan: 'P7D' }, { QUERY: query }, { Query: query, Timespan: null }]) {
    expect((await post(body)).status).toBe(200);
  }
  for (const body of [{}, { query: 7 }, 'text', { query, timespan: 'a month' }]) {
    expect((await post(body)).status).toBe(400);
  }
});

test('Hunting is controlled over HTTP, and reset undoes it', async () => {
  const simulator = await startForTest({ huntingLimits: PLENTY });
  const control = (path: string, body: unknown) =>
    fetch(`${simulator.controlUrl}${path}`, { method: 'POST', body: JSON.stringify(body) });
  const statusOf = async () => (await hunt(simulator, alertsQuery(['a', 'b']))).status;
  expect((await control('/hunting', { mostIds: 1 })).status).toBe(200);
  expect(await statusOf()).toBe(400);
  expect((await control('/hunting', { mostIds: null, cpuExhausted: { seconds: 60 } })).status).toBe(200);
  expect(await statusOf()).toBe(429);
  await control('/reset', {});
  expect(await statusOf()).toBe(200);
  await control('/faults', { rates: { 'http-500': 1 }, apis: ['hunting'] });
  expect(await statusOf()).toBe(500);
  expect((await control('/hunting', { wire: 'smoke' })).status).toBe(400);
  expect((await control('/faults', { rates: {}, apis: ['mail'] })).status).toBe(400);
});
