import { expect, test } from 'vitest';
import { normalizeMachine } from '#shared/device/normalize.ts';

const at = new Date('2026-11-23T12:00:00Z');

function entry(ipAddress: string | null, macAddress: string | null, operationalStatus: string | null = 'Up') {
  return { ipAddress, macAddress, type: 'Ethernet', operationalStatus };
}

function deviceWith(ipAddresses: unknown[], lastIpAddress: string | null = null) {
  return normalizeMachine({ id: 'a', ipAddresses, lastIpAddress }, at);
}

test('several addresses of one MAC make one interface, without duplicates and empty ones', () => {
  const { interfaces } = deviceWith([
    entry('10.0.0.1', '00005E005301'),
    entry('10.0.0.2', '00:00:5e:00:53:01'),
    entry('10.0.0.1', '00005E005301'),
    entry('', '00005E005301'),
  ]);
  expect(interfaces).toHaveLength(1);
  expect(interfaces[0]).toMatchObject({ mac: '00-00-5E-00-53-01', type: 'Ethernet', status: 'Up' });
  expect(interfaces[0]?.addresses.map(({ ip }) => ip)).toEqual(['10.0.0.1', '10.0.0.2']);
});

test('null and zero MACs share the group without MAC', () => {
  const { interfaces, macs } = deviceWith([entry('127.0.0.1', '000000000000'), entry('::1', null)]);
  expect(interfaces.map(({ mac, addresses }) => [mac, addresses.length])).toEqual([[null, 2]]);
  expect(macs).toEqual([]);
});

test('what is down comes last, of interfaces and of their addresses, whatever the case of the status', () => {
  const { interfaces, ips } = deviceWith([
    entry('10.0.0.1', '00005E005301', 'DOWN'),
    entry('10.0.0.2', '00005E005302', 'down'),
    entry('10.0.0.3', '00005E005302', 'up'),
    entry('10.0.0.4', '00005E005303', null),
  ]);
  expect(interfaces.map(({ mac }) => mac?.slice(-2))).toEqual(['02', '03', '01']);
  expect(interfaces[0]?.addresses.map(({ ip }) => ip)).toEqual(['10.0.0.3', '10.0.0.2']);
  expect(ips[0]).toBe('10.0.0.3');
});

test('an entry with neither address is no interface', () => {
  expect(deviceWith([entry('', null), entry(null, '000000000000')]).interfaces).toEqual([]);
});

test('the last address wins when it can tell hosts apart, and its interface gives the MAC', () => {
  const device = deviceWith(
    [entry('10.0.0.1', '00005E005301'), entry('10.0.0.2', '00005E005302')],
    '10.0.0.2',
  );
  expect(device).toMatchObject({ ip: '10.0.0.2', mac: '00-00-5E-00-53-02', ips: ['10.0.0.2', '10.0.0.1'] });
});

test.each(['127.0.0.1', '::1', 'fe80::1', '169.254.3.4', '0.0.0.0', ''])(
  'a last address "%s" gives way to the first usable one that is not down',
  (last) => {
    const device = deviceWith(
      [
        entry('10.0.0.1', '00005E005301', 'Down'),
        entry('fe80::2', '00005E005302'),
        entry('10.0.0.3', '00005E005303'),
      ],
      last,
    );
    expect(device).toMatchObject({ ip: '10.0.0.3', mac: '00-00-5E-00-53-03' });
  },
);

test('a device whose only addresses are down or local has no best address', () => {
  expect(deviceWith([entry('10.0.0.1', '00005E005301', 'Down'), entry('::1', null)]).ip).toBeNull();
});
