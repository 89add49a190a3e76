import type { AddressRecord, MachineRecord } from '../fleet/machineRecord.ts';
import { integer, pick, type Random, seededRandom } from '../random.ts';
import { loggedOnUsersOf, numberOf, tagsOf, textOf, virtualMachineOf } from './deviceEvidence.ts';

/** A cell of a hunting table before the wire: what KQL calls bool, int, dynamic and string. */
export type Cell = string | number | boolean | null | readonly unknown[];

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** Hunting holds the data of 30 days; queries look for network adapters in the last 7 of them. */
const DEVICE_DATA_MS = 30 * DAY_MS;
const NETWORK_DATA_MS = 7 * DAY_MS;

/**
 * The newest row of DeviceInfo about a device and its adapters in DeviceNetworkInfo, in the columns of the queries.
 * Undefined for a device that reported nothing in the last 30 days. What only the Defender API knows is nowhere here.
 */
export function huntingDevice(machine: MachineRecord, seed: string, now: number) {
  const random = seededRandom(seed, 'hunting device', machine.id);
  const reported = Math.min(
    Date.parse(textOf(machine.lastSeen) ?? new Date(now).toISOString()) + integer(random, 0, HOUR_MS),
    now,
  );
  if (reported <= now - DEVICE_DATA_MS) {
    return undefined;
  }
  const name = textOf(machine.computerDnsName);
  const isShort = random() < 0.125;
  const [registryTag, ...otherTags] = tagsOf(machine);
  const platform = textOf(machine.osPlatform);
  const isWindows = platform?.startsWith('Windows') === true;
  const build = platform === 'macOS' ? null : (numberOf(machine.osBuild) ?? null);
  const version = textOf(machine.version);
  const isDirectoryJoined = booleanOf(machine.isAadJoined);
  const group = textOf(machine.rbacGroupName);
  const row = {
    DeviceName: (isShort ? name?.split('.')[0] : name) ?? '',
    ClientVersion: textOf(machine.agentVersion) ?? '',
    PublicIP: textOf(machine.lastExternalIpAddress) ?? '',
    OSArchitecture: textOf(machine.osArchitecture) ?? '',
    OSPlatform: platform ?? '',
    // Every newer Windows says 10.0 here and the release elsewhere.
    OSVersion: (isWindows && (build ?? 0) > 9600 ? '10.0' : version) ?? '',
    OSBuild: build,
    IsAzureADJoined: isDirectoryJoined,
    JoinType: isDirectoryJoined ? 'AAD Joined' : machine.aadDeviceId == null ? '' : 'AAD Registered',
    AadDeviceId: textOf(machine.aadDeviceId) ?? '',
    MachineGroup: platform === null && group === null ? '' : (group ?? 'UnassignedGroup'),
    OnboardingStatus: spaced(machine.onboardingStatus),
    LoggedOnUsers: JSON.stringify(
      loggedOnUsersOf(machine, seed).map(({ accountName, domainName }) => ({
        UserName: accountName,
        DomainName: domainName,
      })),
    ),
    RegistryDeviceTag: registryTag ?? '',
    OSVersionInfo: (isWindows ? version : null) ?? '',
    OSDistribution: platform !== null && LINUX.test(platform) ? platform : '',
    OsBuildRevision: '',
    MergedToDeviceId: textOf(machine.mergedIntoMachineId) ?? '',
    SensorHealthState: spaced(machine.healthStatus),
    ExposureLevel: textOf(machine.exposureLevel) ?? '',
    // No value means a normal one.
    AssetValue: machine.deviceValue === 'Normal' ? '' : (textOf(machine.deviceValue) ?? ''),
    IsExcluded: booleanOf(machine.isExcluded),
    ExclusionReason: textOf(machine.exclusionReason) ?? '',
    DeviceManualTags: listText(otherTags.filter((_tag, index) => index % 2 === 0)),
    DeviceDynamicTags: listText(otherTags.filter((_tag, index) => index % 2 === 1)),
    DeviceType: deviceTypeOf(platform),
    ...cloudColumns(machine, platform, random),
  };
  const interfaces =
    reported > now - NETWORK_DATA_MS ? interfacesOf(machine.ipAddresses ?? [], reported, random) : [];
  return {
    DeviceId: machine.id,
    DeviceInfoTime: kqlTime(reported),
    ...row,
    Interfaces: interfaces.length === 0 ? null : interfaces,
  } satisfies Record<string, Cell>;
}

export type HuntingDevice = NonNullable<ReturnType<typeof huntingDevice>>;

/** A time as `tostring` of KQL writes it. */
export function kqlTime(milliseconds: number): string {
  return new Date(milliseconds).toISOString().replace('Z', '0000Z');
}

const LINUX = /^(?:Ubuntu|RedHat|Debian|Suse|AmazonLinux|OracleLinux|Linux)/;

function deviceTypeOf(platform: string | null): string {
  if (platform === null) {
    return '';
  }
  if (platform.startsWith('WindowsServer') || LINUX.test(platform)) {
    return 'Server';
  }
  if (platform.startsWith('Windows') || platform === 'macOS') {
    return 'Workstation';
  }
  if (['iOS', 'iPadOS', 'Android'].includes(platform)) {
    return 'Mobile';
  }
  return ['CiscoIOSXE', 'FortiOS'].includes(platform) ? 'NetworkDevice' : 'Unknown';
}

/** Azure as the Defender API has it. Of the other clouds, where some servers are, only Graph knows. */
function cloudColumns(machine: MachineRecord, platform: string | null, random: Random) {
  const azure = virtualMachineOf(machine);
  const other =
    azure === undefined && deviceTypeOf(platform) === 'Server'
      ? pick(random, ['AWS', 'GCP', '', '', ''])
      : '';
  const instance = integer(random, 1, 0xffff_ffff).toString(16).padStart(17, '0');
  return {
    CloudPlatforms: azure !== undefined ? listText(['Azure']) : other === '' ? '' : listText([other]),
    AzureVmId: azure?.vmId ?? '',
    AzureResourceId: azure?.resourceId ?? '',
    AzureVmSubscriptionId: azure?.subscriptionId ?? '',
    AwsResourceName: other === 'AWS' ? `arn:aws:ec2:eu-west-1:123456789012:instance/i-${instance}` : '',
    GcpFullResourceName:
      other === 'GCP'
        ? `//compute.googleapis.com/projects/apps/zones/europe-west1-b/instances/${instance}`
        : '',
  };
}

/**
 * One entry an adapter, with all its addresses. One device in ten still has the row of an adapter that it had days
 * ago.
 */
function interfacesOf(addresses: readonly AddressRecord[], reported: number, random: Random) {
  const separator = pick(random, ['-', ':', '']);
  const adapters = Map.groupBy(addresses, ({ macAddress, type, operationalStatus }) =>
    [macAddress, type, operationalStatus].join('|'),
  );
  const current = [...adapters.values()].map((entries) => ({
    mac: macText(entries[0]?.macAddress, separator),
    type: entries[0]?.type ?? '',
    status: entries[0]?.operationalStatus ?? 'Unknown',
    ips: entries.flatMap(({ ipAddress }) => (ipAddress ? [addressEntry(ipAddress)] : [])),
    seen: kqlTime(reported - integer(random, 0, HOUR_MS)),
  }));
  const isStale = current.length > 0 && random() < 0.1;
  const stale = {
    mac: macText('0A0027AABBCC', separator),
    type: 'Ethernet',
    status: 'Up',
    ips: [addressEntry('10.255.0.9')],
    seen: kqlTime(reported - 3 * DAY_MS),
  };
  return isStale ? [...current, stale] : current;
}

function addressEntry(address: string) {
  const isSixth = address.includes(':');
  return {
    IPAddress: address,
    SubnetPrefix: isSixth ? 64 : 24,
    AddressType: /^(?:127\.|::1$)/.test(address) ? 'Loopback' : 'Private',
  };
}

/** A tunnel or loopback adapter has zeros in place of an address. */
function macText(mac: string | null | undefined, separator: string): string {
  return mac ? (mac.match(/../g) ?? []).join(separator) : '00-00-00-00-00-00';
}

/** `CanBeOnboarded` as hunting writes it: `Can be onboarded`. */
function spaced(word: unknown): string {
  return (textOf(word) ?? '').replace(/(?<=[a-z])[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}

function listText(items: readonly string[]): string {
  return items.length === 0 ? '' : JSON.stringify(items);
}

function booleanOf(value: unknown): boolean | null {
  return typeof value === 'boolean' ? value : null;
}
