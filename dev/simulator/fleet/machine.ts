import { guid, hex, integer, pick, type Random } from '../random.ts';
import { timeText } from '../timeText.ts';
import type { AddressRecord, MachineRecord } from './machineRecord.ts';
import { type Platform, platforms } from './platforms.ts';

const DAY_MS = 86_400_000;
const NAME_PREFIXES: Record<Platform['kind'], readonly string[]> = {
  client: ['desktop', 'laptop', 'ws'],
  server: ['srv-app', 'srv-db', 'dc', 'web'],
  mobile: ['phone', 'tablet'],
  discovered: ['switch', 'printer', 'camera', 'router'],
};
const MAC_VENDORS = ['000C29', '00155D', '3C5282', 'F8E43B', 'A4BB6D'];
const TAGS = ['Finance', 'Tier0', 'VIP', 'Kiosk', 'Lab', 'Düsseldorf'];

/** An everyday machine with every property that the real service sends. Times count back from `referenceTime` (ms). */
export function createMachine(random: Random, referenceTime: number): MachineRecord {
  const platform = pickPlatform(random);
  const release = pick(random, platform.releases);
  const processor = pick(random, platform.processors);
  const onboarded = platform.kind !== 'discovered';
  const group = pick(random, [
    { id: 0, name: null },
    { id: 140, name: 'Workplace' },
    { id: 141, name: 'Datacenter' },
  ]);
  const ipAddresses = createAddresses(random, platform);
  const firstSeen = referenceTime - integer(random, 2 * DAY_MS, 700 * DAY_MS);
  const lastSeen = referenceTime - integer(random, 0, 2 * DAY_MS);
  const isAadJoined = platform.kind === 'client' && random() < 0.8;
  return {
    id: hex(random, 40),
    mergedIntoMachineId: null,
    isPotentialDuplication: false,
    isExcluded: false,
    exclusionReason: null,
    computerDnsName: createName(random, platform),
    firstSeen: timeText(firstSeen, random),
    lastSeen: timeText(lastSeen, random),
    osPlatform: platform.osPlatform,
    osVersion: null,
    osProcessor: processor,
    version: release.version,
    lastIpAddress: ipAddresses[0]?.ipAddress ?? null,
    lastExternalIpAddress: onboarded ? `203.0.113.${integer(random, 1, 254)}` : null,
    agentVersion: pick(random, platform.agentVersions),
    osBuild: release.osBuild,
    healthStatus: onboarded
      ? pick(random, ['Active', 'Active', 'Active', 'Active', 'Inactive', 'NoSensorData'])
      : 'Unknown',
    deviceValue: pick(random, ['Normal', 'Normal', 'Normal', 'Low', 'High']),
    rbacGroupId: group.id,
    rbacGroupName: group.name,
    riskScore: pick(random, ['None', 'None', 'Informational', 'Low', 'Medium', 'High']),
    exposureLevel: pick(random, ['None', 'Low', 'Medium', 'High']),
    isAadJoined,
    aadDeviceId: isAadJoined && random() < 0.7 ? guid(random) : null,
    machineTags: TAGS.filter(() => random() < 0.1),
    defenderAvStatus: onboarded ? pick(random, ['Updated', 'Updated', 'NotUpdated']) : 'Unknown',
    onboardingStatus: onboarded
      ? 'Onboarded'
      : pick(random, ['CanBeOnboarded', 'Unsupported', 'InsufficientInfo']),
    osArchitecture: processor === null ? null : processor === 'x86' ? '32-bit' : '64-bit',
    managedBy: onboarded ? pick(random, ['Intune', 'MicrosoftDefenderForEndpoint']) : 'Unknown',
    managedByStatus: pick(random, ['Unknown', 'Success']),
    ipAddresses,
    vmMetadata: null,
  };
}

function pickPlatform(random: Random): Platform {
  const total = platforms.reduce((sum, platform) => sum + platform.weight, 0);
  let rest = random() * total;
  const found = platforms.find((platform) => {
    rest -= platform.weight;
    return rest < 0;
  });
  return found ?? pick(random, platforms);
}

function createName(random: Random, platform: Platform): string {
  const name = `${pick(random, NAME_PREFIXES[platform.kind])}-${hex(random, 6)}`;
  const joined = platform.kind === 'client' || platform.kind === 'server';
  return joined ? `${name}.${pick(random, ['corp.example.com', 'emea.example.com', 'example.local'])}` : name;
}

/** The addresses of one machine: the first is its usual one. */
function createAddresses(random: Random, platform: Platform): AddressRecord[] {
  const addresses = [createAddress(random, 'Ethernet')];
  if (platform.kind === 'client' && random() < 0.5) {
    addresses.push(createAddress(random, 'Wireless80211'));
  }
  for (const { macAddress, type } of [...addresses]) {
    addresses.push({
      ipAddress: `fe80::${hex(random, 4)}:${hex(random, 4)}:${hex(random, 4)}:${hex(random, 4)}`,
      macAddress,
      type,
      operationalStatus: 'Up',
    });
  }
  if (platform.kind !== 'discovered' && platform.kind !== 'mobile') {
    const loopback = { macAddress: null, type: 'SoftwareLoopback', operationalStatus: 'Up' };
    addresses.push({ ipAddress: '127.0.0.1', ...loopback }, { ipAddress: '::1', ...loopback });
  }
  return addresses;
}

function createAddress(random: Random, type: string): AddressRecord {
  return {
    ipAddress: `10.${integer(random, 0, 254)}.${integer(random, 0, 254)}.${integer(random, 1, 254)}`,
    macAddress: `${pick(random, MAC_VENDORS)}${hex(random, 6).toUpperCase()}`,
    type,
    operationalStatus: 'Up',
  };
}
