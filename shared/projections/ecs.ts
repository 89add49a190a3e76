import { namesHost } from '../device/addresses.ts';
import type { Device } from '../device/device.ts';
import type { OsFamily } from '../device/platform.ts';
import { type ProjectedObject, withoutUnknown } from './fields.ts';
import { inSnakeCase, MDE, type MdeProperties, mdeProperties, without } from './mdeProperties.ts';

/** What ECS has a field for. `host.architecture` does not tell all of `osArchitecture`. */
const PLACED: readonly (keyof MdeProperties)[] = [
  'aadDeviceId',
  'osPlatform',
  'version',
  'osProcessor',
  'riskScore',
  'rbacGroupId',
  'rbacGroupName',
  'machineTags',
  'vmId',
  'cloudProvider',
  'subscriptionId',
];

/** A family that is not listed has no type, as ECS asks. */
const OS_TYPES: ReadonlyMap<OsFamily | null, string> = new Map([
  ['windows', 'windows'],
  ['windows-mobile', 'windows'],
  ['linux', 'linux'],
  ['macos', 'macos'],
  ['ios', 'ios'],
  ['ipados', 'ios'],
  ['android', 'android'],
]);

/**
 * The device as a document of ECS 9.4.0 (https://www.elastic.co/docs/reference/ecs); what ECS has no field for stands
 * under `mde`. `host.domain` stays empty: it is the directory's domain, which MDE does not say.
 * @param at When the source was asked.
 */
export function toEcs(device: Device, at: Date): ProjectedObject {
  const properties = mdeProperties(device);
  const { os, externalIp } = device;
  return withoutUnknown({
    '@timestamp': at.toISOString(),
    ecs: { version: '9.4.0' },
    event: { kind: 'asset', category: ['host'], type: ['info'], provider: MDE },
    host: {
      id: device.id,
      hostname: device.hostname,
      name: device.fqdn ?? device.hostname,
      type: device.type,
      architecture: os.architecture ?? os.osProcessor,
      ip: device.ips,
      mac: device.macs,
      os: {
        type: OS_TYPES.get(os.family),
        platform: os.osPlatform?.toLowerCase(),
        name: os.osPlatform,
        version: os.version,
      },
      risk: { calculated_level: properties.riskScore },
    },
    device: { id: properties.aadDeviceId },
    cloud: {
      provider: properties.cloudProvider,
      instance: { id: properties.vmId },
      account: { id: properties.subscriptionId },
    },
    group: { id: properties.rbacGroupId, name: properties.rbacGroupName },
    tags: device.tags,
    related: {
      // The external address belongs to the gateway, so it is related to the host but none of its own.
      ip: unique([...device.ips, externalIp !== null && namesHost(externalIp) ? externalIp.ip : null]),
      hosts: unique([device.fqdn, device.hostname]),
    },
    mde: inSnakeCase(without(properties, PLACED)),
  });
}

function unique<Value>(values: readonly Value[]): Value[] {
  return [...new Set(values)];
}
