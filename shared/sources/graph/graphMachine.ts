import * as z from 'zod';
import { HEALTH_STATUSES, ONBOARDING_STATUSES, RISK_LEVELS } from '../../device/levels.ts';
import type { Machine } from '../../device/machine.ts';
import { parseJson } from '../../text.ts';
import type { DeviceEvidence } from './deviceEvidence.ts';
import { booleanOf, type HuntingRow, listOf } from './huntingRow.ts';

/** Words of Defender Antivirus in the spelling of MDE. */
const AV_STATUSES = ['NotReporting', 'Disabled', 'NotUpdated', 'Updated', 'Unknown', 'NotSupported'];

/**
 * The machine that both parts of Microsoft Graph describe, in the spelling and with the words of the Defender API. What
 * neither says is absent. `MACHINE_FIELDS` tells which part has which property.
 *
 * @param evidence The device in an alert's evidence; undefined without the role for alerts.
 * @param info The device in hunting; undefined without the role for that, or when hunting does not know the device.
 * @example
 * graphMachine('0123...', evidence, undefined); // { id: '0123...', computerDnsName: 'ws-0042.corp.example', ... }
 */
export function graphMachine(
  id: string,
  evidence: DeviceEvidence | undefined,
  info: HuntingRow | undefined,
): Machine {
  const cell = (column: string) => info?.get(column.toLowerCase());
  const osPlatform = evidence?.osPlatform ?? cell('OSPlatform');
  const properties = {
    computerDnsName: evidenceName(evidence) ?? cell('DeviceName'),
    firstSeen: evidence?.firstSeenDateTime,
    lastSeen: cell('DeviceInfoTime'),
    osPlatform,
    version: versionOf(evidence?.version ?? huntingVersion(cell, osPlatform), osPlatform),
    osBuild: evidence?.osBuild ?? numberOf(cell('OSBuild')),
    osArchitecture: cell('OSArchitecture'),
    lastIpAddress: evidence?.lastIpAddress,
    lastExternalIpAddress: evidence?.lastExternalIpAddress ?? cell('PublicIP'),
    agentVersion: cell('ClientVersion'),
    healthStatus: wordOf(HEALTH_STATUSES, evidence?.healthStatus, cell('SensorHealthState')),
    onboardingStatus: wordOf(ONBOARDING_STATUSES, evidence?.onboardingStatus, cell('OnboardingStatus')),
    riskScore: wordOf(RISK_LEVELS, evidence?.riskScore),
    defenderAvStatus: wordOf(AV_STATUSES, evidence?.defenderAvStatus),
    exposureLevel: cell('ExposureLevel'),
    deviceValue: cell('AssetValue'),
    rbacGroupId: evidence?.rbacGroupId,
    rbacGroupName: evidence?.rbacGroupName ?? groupOf(cell('MachineGroup')),
    aadDeviceId: evidence?.azureAdDeviceId ?? cell('AadDeviceId'),
    isAadJoined: booleanOf(cell('IsAzureADJoined')),
    machineTags: tagsOf(evidence, cell),
    ipAddresses: addressesOf(evidence, cell('Interfaces')),
    vmMetadata: virtualMachineOf(evidence, cell),
    isExcluded: booleanOf(cell('IsExcluded')),
    exclusionReason: cell('ExclusionReason'),
    mergedIntoMachineId: cell('MergedToDeviceId'),
    // What the Defender API does not have.
    loggedOnUsers: evidence?.loggedOnUsers ?? usersOf(cell('LoggedOnUsers')),
    deviceType: cell('DeviceType'),
    osDistribution: cell('OSDistribution'),
  };
  const told = Object.entries(properties).filter(([, value]) => value !== undefined && value !== null);
  return { id, ...Object.fromEntries(told) };
}

type Cell = (column: string) => string | undefined;

function evidenceName(evidence: DeviceEvidence | undefined): string | null | undefined {
  if (evidence === undefined || evidence.deviceDnsName !== null) {
    return evidence?.deviceDnsName;
  }
  const { hostName, dnsDomain } = evidence;
  return hostName !== null && dnsDomain !== null ? `${hostName}.${dnsDomain}` : hostName;
}

/** On newer Windows `OSVersion` is always 10.0, and the release stands in `OSVersionInfo`. */
function huntingVersion(cell: Cell, platform: string | null | undefined): string | undefined {
  const release = cell('OSVersionInfo');
  const version = cell('OSVersion');
  const isNewWindows = platform?.startsWith('Windows') === true && version === '10.0';
  return release ?? (isNewWindows ? undefined : version);
}

/** On macOS Graph puts the name of the release in front: `Tahoe 26.6`. `Other` means that it is not known. */
function versionOf(version: string | null | undefined, platform: string | null | undefined) {
  if (version === 'Other') {
    return undefined;
  }
  return platform === 'macOS' ? version?.replace(/^[A-Za-z][A-Za-z ]* (?=\d)/, '') : version;
}

function numberOf(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,9}$/.test(text) ? Number(text) : undefined;
}

/**
 * The first of the texts that says something. Graph writes `canBeOnboarded`, hunting `Can be onboarded`. A word that
 * MDE does not know is handed on; only `unknownFutureValue` is not, which Graph writes for words newer than its list.
 */
function wordOf(words: readonly string[], ...texts: (string | null | undefined)[]): string | undefined {
  const text = texts.find((candidate) => candidate && !/^unknownFutureValue$/i.test(candidate));
  const bare = text?.replaceAll(' ', '').toLowerCase();
  return words.find((word) => word.toLowerCase() === bare) ?? text ?? undefined;
}

function groupOf(group: string | undefined): string | undefined {
  return group === 'UnassignedGroup' ? undefined : group;
}

/** Undefined where no part can tell tags; otherwise all of them, each once. */
function tagsOf(evidence: DeviceEvidence | undefined, cell: Cell): string[] | undefined {
  const registry = cell('RegistryDeviceTag');
  const tags = [
    ...(evidence?.tags ?? []),
    ...(registry === undefined ? [] : [registry]),
    ...listOf(cell('DeviceManualTags')),
    ...listOf(cell('DeviceDynamicTags')),
  ].filter((tag): tag is string => typeof tag === 'string' && tag !== '');
  return [...new Set(tags)];
}

const interfaceSchema = z.object({
  mac: z.string().nullable().catch(null),
  type: z.string().min(1).nullable().catch(null),
  status: z.string().min(1).nullable().catch(null),
  ips: z.array(z.unknown()).catch([]),
  seen: z.string().catch(''),
});
const addressSchema = z.object({ IPAddress: z.string().min(1) });

/** An entry of a machine's `ipAddresses`. */
interface AddressRecord {
  ipAddress: string | null;
  macAddress: string | null;
  type: string | null;
  operationalStatus: string | null;
}

/** Adapters that were seen this much earlier than the newest one are gone (ms). */
const STALE_MS = 86_400_000;

/** Adapters as hunting describes them; without hunting the bare addresses of the evidence, as of the alert. */
function addressesOf(evidence: DeviceEvidence | undefined, interfaces: string | undefined) {
  const list: unknown = parseJson(interfaces);
  if (!Array.isArray(list)) {
    return evidence?.ipInterfaces
      ?.filter((address) => typeof address === 'string')
      .map((address) => ({ ipAddress: withoutZone(address) }));
  }
  const adapters = list.flatMap((item) => interfaceSchema.safeParse(item).data ?? []);
  const newest = Math.max(...adapters.map(seenAt));
  return adapters
    .filter((adapter) => seenAt(adapter) >= newest - STALE_MS)
    .flatMap(({ mac, type, status, ips }): AddressRecord[] => {
      const adapter = { macAddress: macOf(mac), type, operationalStatus: status };
      const addresses = ips.flatMap((entry) => addressSchema.safeParse(entry).data?.IPAddress ?? []);
      if (addresses.length === 0) {
        return adapter.macAddress === null ? [] : [{ ipAddress: null, ...adapter }];
      }
      return addresses.map((address) => ({ ipAddress: withoutZone(address), ...adapter }));
    });
}

function seenAt({ seen }: { seen: string }): number {
  return Date.parse(seen.replace(/(\.\d{3})\d*Z$/, '$1Z')) || 0;
}

/**
 * macOS, like the BSDs, keeps the zone of a link-local address in its second group (`fe80:1c::1`). On the wire it is
 * zero.
 */
function withoutZone(address: string): string {
  return address.replace(/^fe80:[\da-f]{1,4}::/i, 'fe80::');
}

/** The address as MDE writes it: twelve digits. Null for an adapter without one, which hunting writes with zeros. */
function macOf(mac: string | null): string | null {
  const digits = mac?.replaceAll(/[-:.]/g, '').toUpperCase() ?? '';
  return /^[\dA-F]{12}$/.test(digits) && !/^0[02]0{10}$/.test(digits) ? digits : null;
}

/** The virtual machine. Both parts know those of Azure; only hunting knows those of other clouds. */
function virtualMachineOf(evidence: DeviceEvidence | undefined, cell: Cell) {
  const awsResourceName = cell('AwsResourceName');
  const gcpFullResourceName = cell('GcpFullResourceName');
  const others = {
    ...(awsResourceName !== undefined && { awsResourceName }),
    ...(gcpFullResourceName !== undefined && { gcpFullResourceName }),
  };
  if (evidence?.vmMetadata) {
    const { cloudProvider, ...rest } = evidence.vmMetadata;
    return { cloudProvider: providerOf(cloudProvider ?? undefined), ...rest, ...others };
  }
  const [platform] = listOf(cell('CloudPlatforms'));
  const vmId = cell('AzureVmId');
  const resourceId = cell('AzureResourceId');
  if (vmId === undefined && resourceId === undefined && Object.keys(others).length === 0) {
    return undefined;
  }
  return {
    cloudProvider: providerOf(platform),
    vmId,
    resourceId,
    subscriptionId: cell('AzureVmSubscriptionId'),
    ...others,
  };
}

function providerOf(provider: string | undefined): string | undefined {
  if (provider === undefined || /^unknown/i.test(provider)) {
    return undefined;
  }
  return /^azure$/i.test(provider) ? 'Azure' : provider;
}

const usersSchema = z.array(z.object({ UserName: z.string().optional(), DomainName: z.string().optional() }));

/** `[{"UserName":"kim","DomainName":"CORP","Sid":"..."}]`. */
function usersOf(text: string | undefined) {
  return usersSchema
    .safeParse(parseJson(text))
    .data?.map(({ UserName, DomainName }) => ({ accountName: UserName, domainName: DomainName }));
}
