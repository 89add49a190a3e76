import { namesHost } from '../device/addresses.ts';
import type { Device } from '../device/device.ts';
import type { Level } from '../device/levels.ts';
import type { Draft, DraftObject } from './fields.ts';

/** What MDE calls itself in the projections. */
export const MDE = 'Microsoft Defender for Endpoint';

/**
 * The device's values under the names that MDE has for them. A projection puts those that its standard has a field for
 * into that field, and passes the others on under these names, so that none of them is lost.
 */
export function mdeProperties(device: Device) {
  const { os, cloud, externalIp } = device;
  return {
    aadDeviceId: device.entraDeviceId,
    isAadJoined: device.entraJoined,
    osPlatform: os.osPlatform,
    version: os.version,
    osBuild: os.build,
    osVersion: os.osVersion,
    osProcessor: os.osProcessor,
    osArchitecture: os.osArchitecture,
    // An address that no host is known by would join unrelated devices.
    lastExternalIpAddress: externalIp !== null && namesHost(externalIp) ? externalIp.ip : null,
    firstSeen: device.firstSeen,
    lastSeen: device.lastSeen,
    healthStatus: levelText(device.health),
    onboardingStatus: levelText(device.onboarding),
    riskScore: levelText(device.risk),
    exposureLevel: levelText(device.exposure),
    deviceValue: levelText(device.deviceValue),
    ...deviceGroup(device),
    machineTags: device.tags,
    agentVersion: device.agentVersion,
    defenderAvStatus: device.avStatus,
    managedBy: device.managedBy,
    managedByStatus: device.managedByStatus,
    vmId: cloud?.vmId,
    cloudProvider: cloud?.provider,
    resourceId: cloud?.resourceId,
    subscriptionId: cloud?.subscriptionId,
    awsResourceName: cloud?.awsResourceName,
    gcpFullResourceName: cloud?.gcpResourceName,
    deviceType: device.deviceType,
    osDistribution: os.distribution,
    loggedOnUsers: (device.loggedOnUsers ?? []).map(userText),
    isExcluded: device.excluded,
    exclusionReason: device.exclusionReason,
    isPotentialDuplication: device.possibleDuplicate,
    mergedIntoMachineId: device.mergedInto,
  };
}
export type MdeProperties = ReturnType<typeof mdeProperties>;

/** `CORP\\kim`, or the part that is known. */
function userText({ name, domain }: NonNullable<Device['loggedOnUsers']>[number]): string {
  return [domain, name].filter((part) => part !== null).join('\\');
}

/** An unknown value in the words of MDE. */
function levelText({ value, text }: Level<string>): string | null {
  return value === 'Other' ? text : value;
}

/** Group 0 without a name stands for devices that are in no group. */
function deviceGroup({ groupId, groupName }: Device) {
  const grouped = groupName !== null || groupId !== '0';
  return { rbacGroupId: grouped ? groupId : null, rbacGroupName: groupName };
}

/** The properties that a standard has no field of its own for. */
export function without(properties: MdeProperties, placed: readonly (keyof MdeProperties)[]): DraftObject {
  const names = new Set<string>(placed);
  return Object.fromEntries(Object.entries(properties).filter(([name]) => !names.has(name)));
}

/** `lastSeen` as `last_seen`. */
export function inSnakeCase(properties: DraftObject): Record<string, Draft> {
  return renamed(properties, (name) => name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`));
}

/** `lastSeen` as `LastSeen`. */
export function inPascalCase(properties: DraftObject): Record<string, Draft> {
  return renamed(properties, (name) => name.charAt(0).toUpperCase() + name.slice(1));
}

function renamed(properties: DraftObject, rename: (name: string) => string): Record<string, Draft> {
  return Object.fromEntries(Object.entries(properties).map(([name, value]) => [rename(name), value]));
}
