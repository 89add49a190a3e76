import { guid, hex, type Random } from '../random.ts';
import type { AddressRecord, MachineRecord } from './machineRecord.ts';

/** Properties that turn an everyday machine into an odd one; undefined leaves the property out of the record. */
type Change = (machine: MachineRecord, random: Random) => Record<string, unknown>;

/** Every odd shape seen in real payloads, and those that a careless or hostile owner of a device can produce. */
export const oddShapes = {
  'empty address': withAddress({
    ipAddress: '',
    macAddress: '000C2992A643',
    type: 'Ethernet',
    operationalStatus: 'Up',
  }),
  'address of null': withAddress({ ipAddress: null, macAddress: null, type: null, operationalStatus: null }),
  'no MAC': withAddress({
    ipAddress: '10.9.8.7',
    macAddress: null,
    type: 'Ethernet',
    operationalStatus: 'Up',
  }),
  'zero MAC': withAddress({
    ipAddress: '10.9.8.6',
    macAddress: '000000000000',
    type: 'Other',
    operationalStatus: 'Up',
  }),
  'automatic address, down': withAddress({
    ipAddress: '169.254.17.3',
    macAddress: '0A0027000004',
    type: 'Ethernet',
    operationalStatus: 'Down',
  }),
  tunnel: withAddress({
    ipAddress: '172.16.9.1',
    macAddress: '00FF6A7B8C9D',
    type: 'Tunnel',
    operationalStatus: 'Up',
  }),
  'twelve addresses': manyAddresses,
  'no addresses': () => ({ ipAddresses: [], lastIpAddress: null, lastExternalIpAddress: null }),
  'addresses null': () => ({ ipAddresses: null }),
  'IPv6 last address': () => ({ lastIpAddress: '2001:db8:40::1f2e' }),
  'loopback last address': () => ({ lastIpAddress: '127.0.0.1' }),
  ungrouped: () => ({ rbacGroupId: 0, rbacGroupName: null }),
  grouped: () => ({ rbacGroupId: 140, rbacGroupName: 'Workplace' }),
  'group as text': () => ({ rbacGroupId: '140', rbacGroupName: 'Workplace' }),
  'joined without directory ID': () => ({ isAadJoined: true, aadDeviceId: null }),
  'build null': () => ({ osPlatform: 'RedHatEnterpriseLinux', version: '9.5', osBuild: null }),
  'build 6': () => ({ osPlatform: 'Ubuntu', version: '22.4', osBuild: 6 }),
  'short mixed-case name': () => ({ computerDnsName: 'FIN-Laptop07' }),
  'empty name': () => ({ computerDnsName: '' }),
  'name null': () => ({ computerDnsName: null }),
  'six fractional digits': () => ({
    firstSeen: '2023-04-19T13:27:53.161892Z',
    lastSeen: '2023-05-04T12:47:48.362293Z',
  }),
  'seven fractional digits': () => ({
    firstSeen: '2023-04-19T13:27:53.1618923Z',
    lastSeen: '2023-05-04T12:47:48.3622932Z',
  }),
  'no fractional digits': () => ({ firstSeen: '2023-04-19T13:27:53Z', lastSeen: '2023-05-04T12:47:48Z' }),
  'unknown platform': () => ({ osPlatform: 'QuantumOS', version: 'preview' }),
  'platform null': () => ({
    osPlatform: null,
    version: null,
    osBuild: null,
    osProcessor: null,
    osArchitecture: null,
  }),
  'no antivirus status': () => ({ defenderAvStatus: undefined }),
  'unknown property': () => ({ quarantineLevel: { level: 3, reasons: ['policy'] } }),
  'unknown enum values': () => ({
    healthStatus: 'Hibernating',
    riskScore: 'Critical',
    exposureLevel: 'Extreme',
  }),
  'lowercase onboarding': () => ({ onboardingStatus: 'onboarded' }),
  'virtual machine': (_machine, random) => ({ vmMetadata: virtualMachine(random) }),
  excluded: () => ({ isExcluded: true, exclusionReason: 'DuplicateDevice' }),
  merged: (_machine, random) => ({ isPotentialDuplication: true, mergedIntoMachineId: hex(random, 40) }),
  'many tags': () => ({ machineTags: Array.from({ length: 40 }, (_, index) => `tag-${index}`) }),
  'hostile name and tags': () => ({
    computerDnsName: '<img src=x onerror=alert(1)>.example.com',
    machineTags: [
      '<script>alert(1)</script>',
      '=HYPERLINK("http://example.com")',
      '[link](javascript:alert(1))',
      "' or 1 eq 1",
    ],
  }),
  'only an ID': (machine) =>
    Object.fromEntries(Object.keys(machine).flatMap((key) => (key === 'id' ? [] : [[key, undefined]]))),
  'all null': (machine) =>
    Object.fromEntries(Object.keys(machine).flatMap((key) => (key === 'id' ? [] : [[key, null]]))),
} as const satisfies Record<string, Change>;

export type OddShape = keyof typeof oddShapes;

export const oddShapeNames = Object.keys(oddShapes) as OddShape[];

/** The machine with the odd shape put over it. */
export function withOddShape(machine: MachineRecord, shape: OddShape, random: Random): MachineRecord {
  const change: Change = oddShapes[shape];
  const properties = Object.entries({ ...machine, ...change(machine, random) });
  return {
    ...Object.fromEntries(properties.filter(([, value]) => value !== undefined)),
    id: machine.id,
  };
}

function withAddress(address: AddressRecord): Change {
  return (machine) => ({ ipAddresses: [...(machine.ipAddresses ?? []), address] });
}

/** Several addresses of one adapter beside adapters that are down, as on a machine with virtual switches. */
function manyAddresses(_machine: MachineRecord, random: Random) {
  const adapters = ['000C2992A643', '00155D01C209', '0A0027000004'];
  return {
    ipAddresses: adapters.flatMap((macAddress, index) => {
      const common = { macAddress, type: 'Ethernet', operationalStatus: index === 2 ? 'Down' : 'Up' };
      return [
        { ipAddress: `192.168.12.${193 + index}`, ...common },
        { ipAddress: `2001:db8:12::${193 + index}`, ...common },
        { ipAddress: `fe80::${hex(random, 4)}:${hex(random, 4)}`, ...common },
        { ipAddress: `169.254.${index}.9`, ...common, operationalStatus: 'Down' },
      ];
    }),
  };
}

function virtualMachine(random: Random) {
  const vmId = guid(random);
  const subscriptionId = guid(random);
  const resourceId = `/subscriptions/${subscriptionId}/resourceGroups/rg-apps/providers/Microsoft.Compute/virtualMachines/vm-01`;
  return { vmId, cloudProvider: 'azure', resourceId, subscriptionId };
}
