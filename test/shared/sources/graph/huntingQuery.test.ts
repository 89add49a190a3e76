import { describe, expect, test } from 'vitest';
import { alertsQuery, devicesQuery } from '#shared/sources/graph/huntingQuery.ts';
import { type Columns, checkQuery } from '#test/support/kql.ts';

const texts = (...names: string[]): Columns => Object.fromEntries(names.map((name) => [name, 'string']));

/** https://learn.microsoft.com/defender-xdr/advanced-hunting-alertevidence-table, as far as it is queried. */
const AlertEvidence = {
  Timestamp: 'datetime',
  ...texts('AlertId', 'EntityType', 'EvidenceRole', 'DeviceId', 'AdditionalFields'),
};
/** The columns that every tenant has. */
const oldDeviceInfo = {
  Timestamp: 'datetime',
  OSBuild: 'long',
  ...texts(
    'DeviceId',
    'DeviceName',
    'ClientVersion',
    'PublicIP',
    'OSArchitecture',
    'OSPlatform',
    'OSVersion',
  ),
  ...texts(
    'JoinType',
    'AadDeviceId',
    'MachineGroup',
    'OnboardingStatus',
    'LoggedOnUsers',
    'RegistryDeviceTag',
  ),
};
/** https://learn.microsoft.com/defender-xdr/advanced-hunting-deviceinfo-table, July 2026. */
const DeviceInfo = {
  ...oldDeviceInfo,
  IsAzureADJoined: 'bool',
  IsExcluded: 'bool',
  ...texts('OSVersionInfo', 'OSDistribution', 'MergedToDeviceId', 'SensorHealthState', 'ExposureLevel'),
  ...texts('AssetValue', 'ExclusionReason', 'DeviceManualTags', 'DeviceDynamicTags', 'DeviceType'),
  ...texts('CloudPlatforms', 'AzureVmId', 'AzureResourceId', 'AzureVmSubscriptionId'),
  ...texts('AwsResourceName', 'GcpFullResourceName'),
};
/** https://learn.microsoft.com/defender-xdr/advanced-hunting-devicenetworkinfo-table */
const DeviceNetworkInfo: Columns = {
  Timestamp: 'datetime',
  ...texts('DeviceId', 'NetworkAdapterName', 'MacAddress', 'NetworkAdapterType', 'NetworkAdapterStatus'),
  IPAddresses: 'string',
};

const ids = ['da01234567-89ab-cdef-0123-456789abcdef_1', 'da639000000000000000_-12345678'];
const queries = [
  ['devices', devicesQuery(['a'.repeat(40), 'b'.repeat(40)])],
  ['alerts', alertsQuery(ids)],
] as const;

describe.each(queries)('the query about %s', (_, { Query, Timespan }) => {
  test.each([
    ['of today', { AlertEvidence, DeviceInfo, DeviceNetworkInfo }],
    ['without newer columns', { AlertEvidence, DeviceInfo: oldDeviceInfo, DeviceNetworkInfo }],
  ])("is right for Microsoft's parser with tables %s, and all of its columns are text", (_tables, tables) => {
    const { problems, columns } = checkQuery(Query, tables);
    expect(problems).toEqual([]);
    expect(new Set(Object.values(columns))).toEqual(new Set(['string']));
    expect(Object.keys(columns)).toEqual(
      expect.arrayContaining(['RequestId', 'DeviceId', 'Outcome', 'DeviceInfoTime', 'Interfaces']),
    );
    expect(Timespan).toBe('P30D');
  });

  test('is found out by the parser when it is broken', () => {
    const tables = { AlertEvidence, DeviceInfo, DeviceNetworkInfo };
    expect(checkQuery(Query.replace('OSArchitecture', 'OsArchitektur'), tables).problems).not.toEqual([]);
    expect(checkQuery(Query.replace('| lookup', '| lookups'), tables).problems).not.toEqual([]);
    const { DeviceId: _device, ...without } = DeviceNetworkInfo;
    expect(checkQuery(Query, { ...tables, DeviceNetworkInfo: without }).problems).not.toEqual([]);
  });
});

test('an ID that could be more than a text is never put into a query', () => {
  for (const id of ['a"b', 'a\\', "a'", 'a b', '', 'x"]; DeviceInfo | take 1 //', 'ä']) {
    expect(() => devicesQuery([id])).toThrow('is no ID');
    expect(() => alertsQuery([id])).toThrow('is no ID');
  }
});

test('a hundred IDs make a query of less than 16 KB', () => {
  const many = Array.from(
    { length: 100 },
    (_, index) => `da01234567-89ab-cdef-0123-${String(index).padStart(12, '0')}_1`,
  );
  expect(alertsQuery(many).Query.length).toBeLessThan(16_384);
});
