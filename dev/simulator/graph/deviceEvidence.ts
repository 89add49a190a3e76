import type { MachineRecord } from '../fleet/machineRecord.ts';
import { integer, type Random, seededRandom } from '../random.ts';
import type { AlertDevice } from './graphAlert.ts';

/** How an alert's evidence marks a device: as today, as Microsoft's documentation shows it, or not at all. */
export type DeviceRole = 'primary' | 'main' | 'unnamed';

const detailedRoles: Record<DeviceRole, readonly string[]> = {
  primary: ['PrimaryDevice'],
  main: ['Main device'],
  unnamed: [],
};

/** The words of Graph's enums. A word that is none of them arrives as `unknownFutureValue`. */
const words = {
  healthStatus: [
    'active',
    'inactive',
    'impairedCommunication',
    'noSensorData',
    'noSensorDataImpairedCommunication',
    'unknown',
  ],
  riskScore: ['none', 'informational', 'low', 'medium', 'high'],
  onboardingStatus: ['insufficientInfo', 'onboarded', 'canBeOnboarded', 'unsupported'],
  defenderAvStatus: ['notReporting', 'disabled', 'notUpdated', 'updated', 'unknown', 'notSupported'],
} as const;

/** What `deviceEvidence` says of a device: of one that the tenant does not know, its ID alone. */
export function deviceEvidence({ machineId, machine, role }: AlertDevice, seed: string) {
  const random = seededRandom(seed, 'device evidence', machineId);
  const name = textOf(machine?.computerDnsName);
  const [hostName = null, ...domain] = name?.split('.') ?? [];
  return {
    verdict: 'unknown',
    remediationStatus: 'none',
    remediationStatusDetails: null,
    roles: [],
    detailedRoles: detailedRoles[role],
    // Only the tag of the registry, not those that people and rules set.
    tags: (machine === undefined ? [] : tagsOf(machine)).slice(0, 1),
    firstSeenDateTime: textOf(machine?.firstSeen),
    mdeDeviceId: machineId,
    azureAdDeviceId: textOf(machine?.aadDeviceId),
    deviceDnsName: name,
    hostName,
    dnsDomain: domain.length === 0 ? null : domain.join('.'),
    ntDomain: null,
    osPlatform: textOf(machine?.osPlatform),
    osBuild: machine?.osPlatform === 'macOS' ? null : (numberOf(machine?.osBuild) ?? null),
    version: versionOf(machine),
    healthStatus: wordOf('healthStatus', machine),
    riskScore: wordOf('riskScore', machine),
    rbacGroupId: numberOf(machine?.rbacGroupId) ?? null,
    rbacGroupName: textOf(machine?.rbacGroupName),
    onboardingStatus: wordOf('onboardingStatus', machine),
    defenderAvStatus: wordOf('defenderAvStatus', machine),
    lastIpAddress: textOf(machine?.lastIpAddress),
    lastExternalIpAddress: textOf(machine?.lastExternalIpAddress),
    ipInterfaces: interfacesOf(machine, random),
    loggedOnUsers: loggedOnUsersOf(machine, seed),
    vmMetadata: virtualMachineOf(machine) ?? null,
    resourceAccessEvents: [],
  };
}

/** The people on a device: Graph knows them, the Defender API's device record does not. */
export function loggedOnUsersOf(machine: MachineRecord | undefined, seed: string) {
  if (machine?.osPlatform == null) {
    return [];
  }
  const random = seededRandom(seed, 'logged-on users', machine.id);
  return ['kim', 'alex', 'svc-backup']
    .filter(() => random() < 0.4)
    .map((accountName) => ({ accountName, domainName: 'CORP' }));
}

/** An Azure virtual machine, in Graph's spelling of the provider. */
export function virtualMachineOf(machine: MachineRecord | undefined) {
  const metadata = machine?.vmMetadata as Record<string, unknown> | null | undefined;
  if (metadata == null) {
    return undefined;
  }
  return {
    vmId: textOf(metadata.vmId),
    cloudProvider: String(metadata.cloudProvider).toLowerCase() === 'azure' ? 'azure' : 'unknown',
    resourceId: textOf(metadata.resourceId),
    subscriptionId: textOf(metadata.subscriptionId),
  };
}

export function tagsOf(machine: MachineRecord): string[] {
  return Array.isArray(machine.machineTags) ? machine.machineTags.map(String) : [];
}

export function textOf(value: unknown): string | null {
  return value == null ? null : String(value);
}

/** A number that comes as one or as text. */
export function numberOf(value: unknown): number | undefined {
  return value == null || value === '' || Number.isNaN(Number(value)) ? undefined : Number(value);
}

function wordOf(property: keyof typeof words, machine: MachineRecord | undefined): string | null {
  const word = textOf(machine?.[property])?.toLowerCase();
  const known: readonly string[] = words[property];
  return word === undefined
    ? null
    : (known.find((candidate) => candidate.toLowerCase() === word) ?? 'unknownFutureValue');
}

const MACOS_NAMES: Record<string, string> = { 13: 'Ventura', 14: 'Sonoma', 15: 'Sequoia', 26: 'Tahoe' };

/** On macOS Graph puts the name of the release in front. */
function versionOf(machine: MachineRecord | undefined): string | null {
  const version = textOf(machine?.version);
  const name = machine?.osPlatform === 'macOS' ? MACOS_NAMES[version?.split('.')[0] ?? ''] : undefined;
  return name === undefined ? version : `${name} ${version}`;
}

/**
 * Bare addresses, loopback included. The one used last may be missing, and a link-local IPv6 address may have the
 * index of its interface inside.
 */
function interfacesOf(machine: MachineRecord | undefined, random: Random): string[] {
  const addresses = (machine?.ipAddresses ?? []).flatMap(({ ipAddress }) => ipAddress || []);
  const omitsLast = random() < 0.5;
  const scope = random() < 0.25 ? integer(random, 2, 31).toString(16) : undefined;
  return addresses
    .filter((address) => !(omitsLast && address === machine?.lastIpAddress))
    .map((address) => (scope === undefined ? address : address.replace(/^fe80::/i, `fe80:${scope}::`)));
}
