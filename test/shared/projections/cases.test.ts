import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { readMachines } from '#dev/normalize/machines.ts';
import { FORMATS } from '#shared/config/outputSettings.ts';
import { machineSchema } from '#shared/device/machine.ts';
import { normalizeMachine } from '#shared/device/normalize.ts';
import { project } from '#shared/projections/projections.ts';

const at = new Date('2026-11-26T12:00:00Z');
const cases: { name: string; machine: object }[] = JSON.parse(
  readFileSync(new URL('../../fixtures/cases/machines.json', import.meta.url), 'utf8'),
);

/** The device and its projections of a case, read loosely: each test knows what it looks for. */
function formsOf(name: string) {
  const machine = machineSchema.parse(cases.find((entry) => entry.name === name)?.machine);
  const device = normalizeMachine(machine, at);
  // biome-ignore lint/suspicious/noExplicitAny: the forms are the standards' own
  const forms = project(device, FORMATS, at) as any;
  return { device, ...forms, text: JSON.stringify(forms) };
}

describe('a value that says nothing is none', () => {
  test('a placeholder for the version or the platform', () => {
    const { device, sentinel, asim, ecs, ocsf } = formsOf('placeholder version');
    expect([device.os.version, device.os.osPlatform, device.os.family]).toEqual([null, null, null]);
    expect([sentinel.OSVersion, asim.DvcOsVersion, ecs.host.os?.version]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
    expect([undefined, 0]).toContain(ocsf[0]?.device?.os?.type_id ?? ocsf.device.os?.type_id);
    expect(device.hostname).toBeNull();
  });

  test('an external address that no host is known by', () => {
    const { device, text } = formsOf('unspecified external address');
    expect(device.externalIp).toMatchObject({ ip: '0.0.0.0', scope: 'unspecified' });
    expect(text).not.toContain('0.0.0.0');
  });

  test('a constant MAC address', () => {
    const { device, text } = formsOf('placeholder MAC');
    expect([device.mac, device.macs]).toEqual([null, []]);
    expect(text).not.toMatch(/02[-:]00[-:]00/);
  });

  test('a cloud that is not known', () => {
    const { ecs } = formsOf('unknown cloud');
    expect(ecs.cloud).toEqual({ instance: { id: '1f2e3d4c-0000-4000-8000-00000000abce' } });
  });
});

test('adapters have the type that their name of .NET says', () => {
  const { ocsf } = formsOf('adapter types');
  const types = ocsf.device.network_interfaces.map(({ type_id }: { type_id: number }) => type_id);
  expect(types).toEqual([1, 3]);
});

test('an address has the MAC address of its own adapter, or none', () => {
  const { device, asim, ocsf } = formsOf('address without its adapter');
  expect([device.ip, device.mac, asim.DvcMacAddr, ocsf.device.mac]).toEqual([
    '10.7.0.9',
    null,
    undefined,
    undefined,
  ]);
  expect(device.macs).toEqual(['00-15-5D-AB-00-03']);
});

test('an address has no zone, wherever the device puts it', () => {
  const { device } = formsOf('zone inside an address');
  expect(device.interfaces[0]?.addresses[0]?.ip).toBe('fe80::43:39ff:fe29:8824');
});

test('the name of a phone has no domain', () => {
  const { device } = formsOf('phone name with a dot');
  expect([device.hostname, device.domain, device.fqdn]).toEqual(['k.lee-iphone', null, null]);
});

test('a platform whose name ends in Linux is one', () => {
  expect(formsOf('Linux by its ending').device.os.family).toBe('linux');
  for (const osPlatform of ['AlpineLinux', 'ScientificLinux', 'OracleEnterpriseLinux', 'Kali Linux']) {
    expect(normalizeMachine({ id: 'm', osPlatform }, at).os.family).toBe('linux');
  }
});

test('the answer to a list query is read machine by machine', () => {
  const answer = JSON.stringify(cases.find(({ name }) => name === 'list answer')?.machine);
  expect(readMachines(answer)).toEqual([
    { place: 'Item 0 of the array', kind: 'machine', machine: { id: 'a', osPlatform: 'Ubuntu' } },
  ]);
  expect(readMachines(`${answer}\n${answer}`)).toHaveLength(2);
});
