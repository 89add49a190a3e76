import type { Device } from '../device/device.ts';

/** The columns by which a person filters the table; a property that is not known is no column. */
export function deviceColumns(device: Device): Record<string, string | number | boolean> {
  const columns = {
    deviceId: device.id,
    deviceName: device.hostname,
    deviceFqdn: device.fqdn,
    deviceType: device.type,
    osFamily: device.os.family,
    osPlatform: device.os.osPlatform,
    osVersion: device.os.version,
    riskLevel: device.risk.value,
    exposureLevel: device.exposure.value,
    deviceValue: device.deviceValue.value,
    healthStatus: device.health.value,
    onboardingStatus: device.onboarding.value,
    ip: device.ip,
    externalIp: device.externalIp?.ip ?? null,
    groupName: device.groupName,
    entraDeviceId: device.entraDeviceId,
    azureResourceId: device.cloud?.resourceId ?? null,
    deviceLastSeen: device.lastSeen,
    deviceSchemaVersion: device.schemaVersion,
  };
  return Object.fromEntries(
    Object.entries(columns).flatMap(([name, value]) => (value === null ? [] : [[name, truncated(value)]])),
  );
}

/** Names are chosen by users of devices and may be long; the whole of them is in the `device` column. */
function truncated<T>(value: T): T | string {
  return typeof value === 'string' ? value.slice(0, 1_000) : value;
}
