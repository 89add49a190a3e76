import { architectureOf } from './architecture.ts';
import type { Device } from './device.ts';
import { hostNames } from './hostname.ts';
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
import { platformOf } from './platform.ts';
import { type Properties, readProperties } from './properties.ts';
import { ageInSeconds } from './times.ts';

/** Turns any machine into a device; `at` is the moment of the enrichment. Pure and total: it never throws. */
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
  if (vmMetadata === null || Object.values(vmMetadata).every((value) => value === null)) return null;
  const { cloudProvider, vmId, resourceId, subscriptionId } = vmMetadata;
  return { provider: cloudProvider?.toLowerCase() ?? null, vmId, resourceId, subscriptionId };
}

function entraDeviceIdOf({ aadDeviceId }: Properties): string | null {
  return aadDeviceId?.toLowerCase() ?? null;
}
