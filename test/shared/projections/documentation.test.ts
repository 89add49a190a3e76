import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { FORMATS } from '#shared/config/outputSettings.ts';
import type { Machine } from '#shared/device/machine.ts';
import { normalizeMachine } from '#shared/device/normalize.ts';
import { propertiesSchema } from '#shared/device/properties.ts';
import { project } from '#shared/projections/projections.ts';

// After a change of a projection, `npx vitest run test/shared/projections -u` writes the list anew.
const page = fileURLToPath(new URL('../../../docs/device.md', import.meta.url));
const START = '<!-- projections:start -->';
const END = '<!-- projections:end -->';

const at = new Date('2026-11-23T12:00:00Z');

/** Says something in every property, and nothing twice. */
const machine = {
  id: 'a'.repeat(40),
  computerDnsName: 'web-7.corp.example.com',
  firstSeen: '2026-03-02T08:15:30.1234567Z',
  lastSeen: '2026-11-22T21:40:11.7654321Z',
  osPlatform: 'Windows11',
  version: '24H2',
  osBuild: 26_100,
  osVersion: '10.0',
  osProcessor: 'x64',
  osArchitecture: '32-bit',
  lastIpAddress: '10.0.0.1',
  lastExternalIpAddress: '203.0.113.20',
  ipAddresses: [
    { ipAddress: '10.0.0.2', macAddress: '00005E005302', type: 'Ethernet', operationalStatus: 'Up' },
    { ipAddress: '10.0.0.1', macAddress: '00005E005301', type: 'Ethernet', operationalStatus: 'Up' },
  ],
  healthStatus: 'Active',
  onboardingStatus: 'Onboarded',
  riskScore: 'High',
  exposureLevel: 'Medium',
  deviceValue: 'Low',
  rbacGroupId: 140,
  rbacGroupName: 'Servers',
  isAadJoined: true,
  aadDeviceId: '80fe8ff8-624c-4c7a-9d58-6e1e2c8f6a11',
  machineTags: ['tier 0'],
  agentVersion: '10.8790.19045.5608',
  defenderAvStatus: 'Updated',
  managedBy: 'Intune',
  managedByStatus: 'Success',
  vmMetadata: {
    vmId: 'i-0abc',
    cloudProvider: 'Azure',
    resourceId: '/subscriptions/1/resourceGroups/web',
    subscriptionId: '123456789012',
    awsResourceName: 'arn:aws:ec2:eu-west-1:123456789012:instance/i-0abc',
    gcpFullResourceName: '//compute.googleapis.com/projects/apps/zones/a/instances/1',
  },
  loggedOnUsers: [{ accountName: 'kim', domainName: 'CORP' }],
  deviceType: 'Workstation',
  osDistribution: 'Ubuntu',
  isExcluded: true,
  exclusionReason: 'Duplicate',
  isPotentialDuplication: true,
  mergedIntoMachineId: 'b'.repeat(40),
};

/** The machine with one property changed or gone, for each property by its path. */
const changed: ReadonlyMap<string, Machine> = new Map([
  ['id', { ...machine, id: 'c'.repeat(40) }],
  ...Object.keys(propertiesSchema.shape).flatMap((name): [string, Machine][] => {
    if (name === 'ipAddresses') {
      return ['ipAddress', 'macAddress', 'type', 'operationalStatus'].map((part) => [
        `${name}[].${part}`,
        { ...machine, [name]: machine.ipAddresses.map((entry) => ({ ...entry, [part]: null })) },
      ]);
    }
    if (name === 'vmMetadata') {
      return Object.keys(machine.vmMetadata).map((part) => [
        `${name}.${part}`,
        { ...machine, [name]: { ...machine.vmMetadata, [part]: null } },
      ]);
    }
    // An interface has it too, so that its absence would not show.
    const other = name === 'lastIpAddress' ? '10.0.0.9' : null;
    return [[name, { ...machine, [name]: other }]];
  }),
]);

/** The device and its projections. */
function formsOf(given: Machine): Record<string, unknown> {
  const device = normalizeMachine(given, at);
  return { device, ...project(device, FORMATS, at) };
}

/** What stands at each path, with all items of a list at one path. */
function leavesOf(value: unknown, path = ''): [path: string, leaf: string][] {
  if (typeof value !== 'object' || value === null) {
    return [[path, String(value)]];
  }
  return Object.entries(value).flatMap(([name, part]) => {
    if (Array.isArray(value)) {
      return leavesOf(part, `${path}[]`);
    }
    return leavesOf(part, path === '' ? name : `${path}.${name}`);
  });
}

/** The paths at which two values differ, in the order of the first. */
function differingPaths(one: unknown, other: unknown): string[] {
  const [ones, others] = [one, other].map((value) => {
    const leaves = leavesOf(value);
    return new Map(leaves.map(([path]) => [path, leavesAt(path, leaves)]));
  });
  return [...(ones ?? [])].filter(([path, leaves]) => leaves !== others?.get(path)).map(([path]) => path);
}

function leavesAt(path: string, leaves: [string, string][]): string {
  const there = leaves.filter(([place]) => place === path).map(([, leaf]) => leaf);
  return JSON.stringify([...new Set(there)].toSorted());
}

/** What the page calls the device and its projections. */
const FORM_NAMES = ['Device', 'OCSF', 'ECS', 'ASIM', 'Sentinel'];

/** For each property, where a change of it shows. */
const places = [...changed].map(([property, other]) => {
  const before = formsOf(machine);
  const after = formsOf(other);
  const columns = ['device', ...FORMATS].map((form) => differingPaths(before[form], after[form]));
  return { property, columns };
});

test('the list of the projections says where each property goes', async () => {
  const text = readFileSync(page, 'utf8');
  const [before, afterStart, ...more] = text.split(START);
  const [, after, ...evenMore] = afterStart?.split(END) ?? [];
  expect([more, evenMore], 'the page has each marker of the list once').toEqual([[], []]);

  await expect(`${before}${START}\n\n${list()}\n\n${END}${after}`).toMatchFileSnapshot(page);
});

test('the machine of the list says something in every property', () => {
  const { unread, ...device } = normalizeMachine(machine, at);
  expect(unread).toEqual([]);
  const silent = leavesOf(device).filter(([, leaf]) => leaf === 'null');
  expect(silent.map(([path]) => path).filter((path) => !path.endsWith('.text'))).toEqual([]);
});

test('no property is left out by any standard, but for those of single interfaces', () => {
  const leftOut = places.flatMap(({ property, columns }) =>
    columns.some((paths) => paths.length === 0) ? [property] : [],
  );
  expect(leftOut).toEqual(['ipAddresses[].type', 'ipAddresses[].operationalStatus']);
});

/** A heading for each property, so that it has an address and reads well on a narrow screen. */
function list(): string {
  return places
    .map(({ property, columns }) => {
      const lines = columns.map((paths, form) => {
        const written = paths.map((path) => `\`${path}\``).join(', ');
        return `- ${FORM_NAMES[form]}: ${written || 'nowhere'}`;
      });
      return `### \`${property}\`\n\n${lines.join('\n')}`;
    })
    .join('\n\n');
}
