import { expect, test } from 'vitest';
import { alertIdShapes } from '#dev/simulator/alerts/alertIds.ts';
import { createAlerts } from '#dev/simulator/alerts/alerts.ts';
import { createFleet } from '#dev/simulator/fleet/fleet.ts';
import { oddShapeNames } from '#dev/simulator/fleet/oddShapes.ts';

const NOW = Date.parse('2026-11-01T00:00:00Z');

function createWorld(seed: string, size = 300) {
  const fleet = createFleet(seed, size, NOW);
  return { fleet, alerts: createAlerts({ seed, size, tenantId: 'tenant', fleet, referenceTime: NOW }) };
}

test('The same seed gives the same fleet and alerts, another seed others', () => {
  const [first, again, other] = [createWorld('1'), createWorld('1'), createWorld('2')];
  expect(again.fleet.machines).toEqual(first.fleet.machines);
  expect(again.alerts.all()).toEqual(first.alerts.all());
  expect(other.fleet.machines[0]?.id).not.toBe(first.fleet.machines[0]?.id);
  expect(other.alerts.all()[0]?.id).not.toBe(first.alerts.all()[0]?.id);
});

test('Alert IDs and machines do not depend on the time of the start', () => {
  const later = createFleet('1', 50, NOW + 86_400_000);
  expect(later.machines.map((machine) => machine.id)).toEqual(
    createWorld('1')
      .fleet.machines.slice(0, 50)
      .map((machine) => machine.id),
  );
});

test('A large fleet has a mix of systems and no ID twice', () => {
  const { machines } = createFleet('1', 5000, NOW);
  expect(new Set(machines.map((machine) => machine.id)).size).toBe(5000);
  expect(machines.every((machine) => /^[0-9a-f]{40}$/.test(machine.id))).toBe(true);
  const platforms = new Set(machines.map((machine) => machine.osPlatform));
  for (const platform of [
    'Windows11',
    'WindowsServer2022',
    'Ubuntu',
    'macOS',
    'iOS',
    'iPadOS',
    'Android',
    'CiscoIOSXE',
  ]) {
    expect(platforms).toContain(platform);
  }
});

test('Every odd shape is in the fleet and can be asked for', () => {
  const { fleet } = createWorld('1');
  for (const shape of oddShapeNames) {
    const machine = fleet.ofShape(shape);
    expect(machine && fleet.byId(machine.id)).toBe(machine);
  }
  expect(fleet.ofShape('group as text')?.rbacGroupId).toBe('140');
  expect(fleet.ofShape('joined without directory ID')).toMatchObject({
    isAadJoined: true,
    aadDeviceId: null,
  });
  expect(fleet.ofShape('no antivirus status')).not.toHaveProperty('defenderAvStatus');
  expect(Object.keys(fleet.ofShape('only an ID') ?? {})).toEqual(['id']);
  expect(fleet.ofShape('twelve addresses')?.ipAddresses).toHaveLength(12);
  expect(fleet.ofShape('merged')?.mergedIntoMachineId).toMatch(/^[0-9a-f]{40}$/);
});

test('The first twenty alert IDs have every known shape, and all pass as path segments', () => {
  const ids = createWorld('1', 1000)
    .alerts.all()
    .map((alert) => alert.id);
  const patterns = [
    /^\d{18}_\d+$/,
    /^da\d{18}_-?\d{1,10}$/,
    /^da\d{18}_\d{11}$/,
    /^ar\d{18}_\d+$/,
    /^ed\d{18}_-?\d+$/,
    /^ri\d{18}_-0\d{9}$/,
    /^da[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}_1$/,
    /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}_1$/,
    /^ca[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}$/,
    /^fagj/,
  ];
  expect(patterns).toHaveLength(alertIdShapes.length);
  for (const pattern of patterns) {
    expect(ids.slice(0, 20).some((id) => pattern.test(id))).toBe(true);
  }
  expect(new Set(ids).size).toBe(1000);
  expect(ids.every((id) => /^[A-Za-z0-9][A-Za-z0-9_-]{0,127}$/.test(id))).toBe(true);
});

test('Alerts added later go on from the numbered ones, point to a machine and carry the time they came', () => {
  const { fleet, alerts } = createWorld('1', 40);
  const [added] = alerts.addNew(1, NOW + 5000);
  expect(added?.lastUpdateTime).toMatch(/^2026-11-01T00:00:05\.\d{7}Z$/);
  expect(added && alerts.machineOf(added)).toBeDefined();
  expect(added?.id).toBe(createWorld('1', 41).alerts.all()[40]?.id);
  const [deviceless] = alerts.add([{ id: 'deviceless', machineId: null }], NOW);
  expect(deviceless && alerts.machineOf(deviceless)).toBeUndefined();
  const machineId = fleet.ofShape('empty name')?.id;
  const [chosen] = alerts.add([{ id: 'chosen', machineId }], NOW);
  expect(chosen?.machineId).toBe(machineId);
  alerts.reset();
  expect(alerts.all()).toHaveLength(40);
});
