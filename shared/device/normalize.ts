import { parseAddress } from './addresses.ts';
import type { Device } from './device.ts';
import { hostAddresses, networkInterfaces } from './interfaces.ts';
import {
  DEVICE_VALUES,
  EXPOSURE_LEVELS,
  HEALTH_STATUSES,
  levelOf,
  ONBOARDING_STATUSES,
  RISK_LEVELS,
} from './levels.ts';
import type { Machine } from './machine.ts';
import { architectureOf, type OsFamily, platformOf } from './platform.ts';
import { type Properties, readProperties } from './properties.ts';
import { ageInSeconds } from './times.ts';

/**
 * Turns any machine into a device. Pure; never throws.
 * @param at When the source answered; the age of `lastSeen` counts to it.
 * @example
 * const { hostname, domain } = normalizeMachine({ id: '1e5b...', computerDnsName: 'ws-0042.corp.example' }, new Date());
 * // hostname is 'ws-0042', domain is 'corp.example'
 */
export function normalizeMachine(machine: Machine, at: Date): Device {
  const { properties, unread } = readProperties(machine);
  const cloud = cloudOf(properties);
  const { family, type } = platformOf(properties.osPlatform);
  const interfaces = networkInterfaces((properties.ipAddresses ?? []).filter((entry) => entry !== null));
  const { firstSeen, lastSeen } = properties;
  return {
    schemaVersion: '1.0',
    id: machine.id.trim(),
    ...hostNames(properties.computerDnsName, family),
    computerDnsName: properties.computerDnsName,
    // The platform goes first: a server in a cloud is a server.
    type: type ?? (cloud === null ? null : 'virtual'),
    os: {
      family,
      osPlatform: properties.osPlatform,
      version: properties.version,
      build: properties.osBuild,
      distribution: properties.osDistribution,
      osVersion: properties.osVersion,
      ...architectureOf(properties.osProcessor, properties.osArchitecture),
      osProcessor: properties.osProcessor,
      osArchitecture: properties.osArchitecture,
    },
    health: levelOf(HEALTH_STATUSES, properties.healthStatus),
    onboarding: levelOf(ONBOARDING_STATUSES, properties.onboardingStatus),
    risk: levelOf(RISK_LEVELS, properties.riskScore),
    exposure: levelOf(EXPOSURE_LEVELS, properties.exposureLevel),
    deviceValue: levelOf(DEVICE_VALUES, properties.deviceValue),
    ...hostAddresses(properties.lastIpAddress, interfaces),
    lastIp: properties.lastIpAddress,
    externalIp: properties.lastExternalIpAddress,
    interfaces,
    entraDeviceId: entraDeviceIdOf(properties),
    entraJoined: properties.isAadJoined,
    cloud,
    deviceType: properties.deviceType,
    loggedOnUsers: loggedOnUsersOf(properties),
    groupId: properties.rbacGroupId,
    groupName: properties.rbacGroupName,
    tags: [...new Set((properties.machineTags ?? []).filter((tag) => tag !== null))],
    agentVersion: properties.agentVersion,
    avStatus: properties.defenderAvStatus,
    managedBy: properties.managedBy,
    managedByStatus: properties.managedByStatus,
    excluded: properties.isExcluded,
    exclusionReason: properties.exclusionReason,
    possibleDuplicate: properties.isPotentialDuplication,
    merged: properties.mergedIntoMachineId !== null,
    mergedInto: properties.mergedIntoMachineId,
    firstSeen: firstSeen?.time ?? null,
    firstSeenExact: firstSeen?.exact ?? null,
    lastSeen: lastSeen?.time ?? null,
    lastSeenExact: lastSeen?.exact ?? null,
    lastSeenAge: lastSeen === null ? null : ageInSeconds(lastSeen.time, at),
    unread,
  };
}

function cloudOf({ vmMetadata }: Properties): Device['cloud'] {
  if (vmMetadata === null || Object.values(vmMetadata).every((value) => value === null)) {
    return null;
  }
  const { cloudProvider, vmId, resourceId, subscriptionId, awsResourceName, gcpFullResourceName } =
    vmMetadata;
  return {
    provider: cloudProvider?.toLowerCase() ?? null,
    vmId,
    resourceId,
    subscriptionId,
    awsResourceName,
    gcpResourceName: gcpFullResourceName,
  };
}

function loggedOnUsersOf({ loggedOnUsers }: Properties): Device['loggedOnUsers'] {
  return (
    loggedOnUsers?.flatMap((user) =>
      user === null || (user.accountName === null && user.domainName === null)
        ? []
        : [{ name: user.accountName, domain: user.domainName }],
    ) ?? null
  );
}

function entraDeviceIdOf({ aadDeviceId }: Properties): string | null {
  return aadDeviceId?.toLowerCase() ?? null;
}

/** The names in `computerDnsName`, lower-case; null where it does not hold one. */
export interface HostNames {
  hostname: string | null;
  fqdn: string | null;
  domain: string | null;
}

/** Phones and tablets have the name that their owner gave them: a dot in it begins no domain. */
const NAMED_BY_PEOPLE: ReadonlySet<OsFamily> = new Set(['ios', 'ipados', 'android', 'windows-mobile']);
/** The name that every host has for itself. */
const EVERY_HOST = /^localhost(?:\.local(?:domain)?)?$/;

const QUALIFIED_NAME = /^([^\s.]+)\.([^\s.]+(?:\.[^\s.]+)*)$/;

/**
 * Splits a name at its first dot when it is a qualified DNS name. MDE also reports short names, phone names with
 * spaces and dots ("J. Doe's phone", "k.lee-iPhone"), which stay whole, and IP addresses, which are no names.
 */
export function hostNames(reported: string | null, family: OsFamily | null): HostNames {
  const name = reported?.toLowerCase().replace(/\.$/, '') ?? '';
  const isNoName = name === '' || EVERY_HOST.test(name) || parseAddress(name) !== null;
  if (isNoName) {
    return { hostname: null, fqdn: null, domain: null };
  }
  if (family !== null && NAMED_BY_PEOPLE.has(family)) {
    return { hostname: name, fqdn: null, domain: null };
  }
  const [fqdn, hostname, domain] = QUALIFIED_NAME.exec(name) ?? [];
  return { hostname: hostname ?? name, fqdn: fqdn ?? null, domain: domain ?? null };
}
