import type { Device } from '#shared/device/device.ts';
import { normalizeMachine } from '#shared/device/normalize.ts';

/** When the machines of these tests were looked up. */
export const lookedUpAt = new Date('2026-11-23T12:00:00Z');

export const deviceId = '1e5bc9d7e413ddd7902c2932e418702b84d0cc07';

/** A device made from these properties of a machine. */
export function deviceOf(properties: Record<string, unknown> = {}): Device {
  return normalizeMachine({ id: deviceId, ...properties }, lookedUpAt);
}

/** A device that says this in every place for text. */
export function deviceSaying(text: string): Device {
  return deviceOf({
    id: text.trim() === '' ? 'x' : text,
    computerDnsName: text,
    osPlatform: text,
    version: text,
    osProcessor: text,
    riskScore: text,
    exposureLevel: text,
    deviceValue: text,
    healthStatus: text,
    onboardingStatus: text,
    rbacGroupId: text,
    rbacGroupName: text,
    machineTags: [text, ...Array.from({ length: 20 }, (_, index) => `${index} ${text}`)],
    vmMetadata: { vmId: text, cloudProvider: text, resourceId: text, subscriptionId: text },
    isExcluded: true,
    exclusionReason: text,
    mergedIntoMachineId: text,
    isPotentialDuplication: true,
    lastSeen: '2026-01-01T00:00:00Z',
    ipAddresses: Array.from({ length: 20 }, (_, index) => ({ ipAddress: `192.0.2.${index + 1}` })),
    lastExternalIpAddress: '198.51.100.7',
  });
}
