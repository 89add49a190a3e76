import { readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { z } from 'zod';
import { FORMATS, type FormatName } from '#shared/config/outputSettings.ts';
import { machineSchema } from '#shared/device/machine.ts';
import { normalizeMachine } from '#shared/device/normalize.ts';
import { project } from '#shared/projections/projections.ts';
import { anyMachine } from './anyMachine.ts';
import { asimModel } from './models/asim.ts';
import { ecsModel } from './models/ecs.ts';
import { ocsfModel } from './models/ocsf.ts';
import { sentinelModel } from './models/sentinel.ts';

const at = new Date('2026-11-23T12:00:00Z');
const fixtures = new URL('../../fixtures/', import.meta.url);
const machines = readdirSync(new URL('machines/', fixtures));

const models: Record<FormatName, z.ZodType> = {
  ocsf: ocsfModel,
  ecs: ecsModel,
  asim: asimModel,
  sentinel: sentinelModel,
};

function readFixture(path: string): unknown {
  return JSON.parse(readFileSync(new URL(path, fixtures), 'utf8'));
}

/** A machine with these properties, in one format. */
function projected(format: FormatName, properties: Record<string, unknown> = {}) {
  const device = normalizeMachine({ id: 'a'.repeat(40), ...properties }, at);
  return project(device, [format], at)[format];
}

/** Every value inside a value, itself included. */
function valuesIn(value: unknown): unknown[] {
  return typeof value === 'object' && value !== null
    ? [value, ...Object.values(value).flatMap(valuesIn)]
    : [value];
}

function saysNothing(value: unknown): boolean {
  if (typeof value === 'object' && value !== null) {
    return Object.keys(value).length === 0;
  }
  return value === null || value === undefined || value === '' || Number.isNaN(value);
}

test('every machine of the fixtures has its projections on record, and the reverse', () => {
  expect(readdirSync(new URL('projections/', fixtures))).toEqual(machines);
});

describe.each(machines)('%s', (file) => {
  const device = normalizeMachine(machineSchema.parse(readFixture(`machines/${file}`)), at);
  const projections = project(device, FORMATS, at);

  test('becomes the projections on record', () => {
    expect(projections).toStrictEqual(readFixture(`projections/${file}`));
  });

  test.each(FORMATS)('keeps the rules of %s', (format) => {
    expect(models[format].parse(projections[format])).toStrictEqual(projections[format]);
  });
});

test('any machine keeps the rules of every standard, and nothing says nothing', () => {
  fc.assert(
    fc.property(anyMachine, (machine) => {
      const device = normalizeMachine(machine, at);
      const before = JSON.stringify(device);
      const projections = project(device, FORMATS, at);

      for (const format of FORMATS) {
        models[format].parse(projections[format]);
      }
      expect(valuesIn(projections).filter(saysNothing)).toEqual([]);
      expect(valuesIn(projections)).not.toContain('null');
      expect(JSON.parse(JSON.stringify(projections))).toStrictEqual(projections);
      expect(JSON.stringify(device)).toBe(before);
    }),
    { numRuns: 1_000 },
  );
});

test('only the formats that are asked for are made', () => {
  const device = normalizeMachine({ id: 'a' }, at);
  expect(Object.keys(project(device, ['sentinel', 'ocsf'], at))).toEqual(['ocsf', 'sentinel']);
  expect(project(device, [], at)).toEqual({});
});

describe('OCSF', () => {
  const object = (properties: Record<string, unknown>) => projected('ocsf', properties)?.device;

  test.each([
    ['None', 99, 'None'],
    ['Informational', 0, 'Info'],
    ['low', 1, 'Low'],
    ['Medium', 2, 'Medium'],
    ['High', 3, 'High'],
    ['Critical', 4, 'Critical'],
    ['Severe', 99, 'Severe'],
  ])('has for the risk %s the level %i, %s', (riskScore, risk_level_id, risk_level) => {
    expect(object({ riskScore })).toMatchObject({ risk_level_id, risk_level });
  });

  test('has no level for a risk that is not known', () => {
    expect(object({})).not.toHaveProperty('risk_level_id');
  });

  test.each([
    ['WindowsServer2022', 100, 1],
    ['Windows11', 100, 0],
    ['Windows11WVD', 100, 6],
    ['WindowsMobile', 101, 5],
    ['SuseLinux15', 200, 0],
    ['Android', 201, 5],
    ['macOS', 300, 0],
    ['iOS', 301, 5],
    ['iPadOS', 302, 4],
    ['IOS XE', 99, 0],
  ])('has for %s the system %i and the kind of device %i', (osPlatform, os, device) => {
    expect(object({ osPlatform })).toMatchObject({ type_id: device, os: { type_id: os, name: osPlatform } });
  });

  test('names a system of which only the version is known, as the standard wants a name', () => {
    expect(object({ version: '9.5' })).toMatchObject({
      os: { name: 'Unknown', type_id: 0, type: 'Unknown', version: '9.5' },
    });
  });

  test.each([
    ['onboarded', true, 1],
    ['CanBeOnboarded', false, 0],
    ['Unsupported', false, 0],
    ['InsufficientInfo', undefined, 0],
    ['Leaving', undefined, 0],
    [null, undefined, 0],
  ])('takes a device that is %s for managed: %s, with %i agents', (onboardingStatus, managed, agents) => {
    const { is_managed, agent_list = [] } = Object(object({ onboardingStatus }));
    expect([is_managed, agent_list.length]).toEqual([managed, agents]);
  });

  test('counts times in milliseconds', () => {
    expect(object({ lastSeen: '2026-11-22T21:40:11.7654321Z' })).toMatchObject({
      last_seen_time: 1_795_383_611_765,
      last_seen_time_dt: '2026-11-22T21:40:11.765Z',
    });
  });

  test('puts the interface of the best address first and leaves loopback out', () => {
    const entry = (ipAddress: string, macAddress: string | null, type: string) => ({
      ...{ ipAddress, macAddress, type, operationalStatus: 'Up' },
    });
    const ipAddresses = [
      entry('127.0.0.1', null, 'SoftwareLoopback'),
      entry('fe80::1', '00005E005301', 'Wireless80211'),
      entry('10.0.0.2', '00005E005302', 'Ethernet'),
      entry('10.0.0.3', '00005E005303', 'Tunnel'),
    ];
    expect(object({ ipAddresses, lastIpAddress: '10.0.0.3' })).toMatchObject({
      ip: '10.0.0.3',
      mac: '00-00-5E-00-53-03',
      network_interfaces: [
        { ip: '10.0.0.3', mac: '00-00-5E-00-53-03', type_id: 4, type: 'Tunnel' },
        { mac: '00-00-5E-00-53-01', type_id: 2, type: 'Wireless' },
        { ip: '10.0.0.2', mac: '00-00-5E-00-53-02', type_id: 1, type: 'Wired' },
      ],
    });
  });
});

test('a device of group 0 without a name is in no group', () => {
  const ungrouped = { rbacGroupId: 0, rbacGroupName: null };
  expect(projected('ocsf', ungrouped)?.device).not.toHaveProperty('groups');
  expect(projected('ecs', ungrouped)).not.toHaveProperty('group');
  expect(projected('ecs', { rbacGroupId: 140 })).toHaveProperty('group', { id: '140' });
});

test('ECS keeps the external address apart from those of the host', () => {
  const document = projected('ecs', { lastIpAddress: '10.0.0.1', lastExternalIpAddress: '203.0.113.20' });
  expect(document).toMatchObject({
    host: { ip: ['10.0.0.1'] },
    related: { ip: ['10.0.0.1', '203.0.113.20'] },
  });
});

test('ASIM aliases the qualified name, or the ID where there is none', () => {
  expect(projected('asim', { computerDnsName: 'Web-7.corp.example.com' })).toMatchObject({
    Dvc: 'web-7.corp.example.com',
    DvcHostname: 'web-7',
    DvcDomain: 'corp.example.com',
    DvcDomainType: 'FQDN',
    DvcFQDN: 'web-7.corp.example.com',
  });
  const short = projected('asim', { computerDnsName: 'Web-7' });
  expect(short).toMatchObject({ Dvc: 'a'.repeat(40), DvcHostname: 'web-7' });
  expect(short).not.toHaveProperty('DvcDomainType');
});

test('the resource of another cloud does not pass for one of Azure', () => {
  const resourceId = 'arn:aws:ec2:eu-west-1:123456789012:instance/i-0abc';
  const vmMetadata = { cloudProvider: 'AWS', resourceId };
  const asim = projected('asim', { vmMetadata });
  const sentinel = projected('sentinel', { vmMetadata });
  expect(asim).not.toHaveProperty('DvcAzureResourceId');
  expect(asim).toMatchObject({ AdditionalFields: { ResourceId: resourceId } });
  expect(sentinel).not.toHaveProperty('AzureID');
  expect(sentinel).toMatchObject({ additionalData: { ResourceId: resourceId } });
});

test.each([
  ['mac-1.local', undefined],
  ['mac-1.corp.local', 'corp.local'],
])('Sentinel knows %s by the domain %s', (computerDnsName, domain) => {
  const entity = projected('sentinel', { computerDnsName });
  expect(entity?.DnsDomain).toBe(domain);
  expect(entity).toMatchObject({ HostName: 'mac-1', additionalData: { FQDN: computerDnsName } });
});

test('Sentinel says in OSVersion what its families do not', () => {
  expect(projected('sentinel', { osPlatform: 'IOS XE', version: '17.9' })).toMatchObject({
    OSVersion: 'IOS XE 17.9',
  });
  expect(projected('sentinel', { osPlatform: 'iPadOS', version: '18.1' })).toMatchObject({
    OSFamily: 'IOS',
    OSVersion: '18.1',
  });
});
