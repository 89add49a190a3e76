import type { Device } from '../device/device.ts';
import type { OsFamily } from '../device/platform.ts';
import { azureResourceId, type ProjectedObject, withoutUnknown } from './fields.ts';
import { inPascalCase, type MdeProperties, mdeProperties, without } from './mdeProperties.ts';

/** What the entity has a field for, or a name of its own; the resource ID only when it is one of Azure. */
const PLACED: readonly (keyof MdeProperties)[] = ['version', 'resourceId', 'defenderAvStatus'];

const OS_FAMILIES: ReadonlyMap<OsFamily | null, string> = new Map([
  ['windows', 'Windows'],
  ['windows-mobile', 'Windows'],
  ['linux', 'Linux'],
  ['macos', 'Mac'],
  ['ios', 'IOS'],
  ['ipados', 'IOS'],
  ['android', 'Android'],
]);

/**
 * The device as a Host entity of Microsoft Sentinel (entity reference of 2025-03,
 * https://learn.microsoft.com/azure/sentinel/entities-reference#host). Sentinel knows a host again by name and domain or
 * by Azure ID; the ID of MDE is none of its identifiers and stands, with all else, under `additionalData`.
 */
export function toSentinel(device: Device): ProjectedObject {
  const properties = mdeProperties(device);
  const { resourceId } = properties;
  const azureId = azureResourceId(resourceId);
  return withoutUnknown({
    Type: 'host',
    HostName: device.hostname,
    DnsDomain: identifyingDomain(device.domain),
    AzureID: azureId,
    OSFamily: OS_FAMILIES.get(device.os.family),
    OSVersion: osVersion(device.os),
    IpInterfaces: device.ips.map((address) => ({ Type: 'ip', Address: address })),
    additionalData: {
      MdatpDeviceId: device.id,
      FQDN: device.fqdn,
      ...inPascalCase(without(properties, PLACED)),
      AvStatus: properties.defenderAvStatus,
      ResourceId: azureId === null ? resourceId : null,
      MacAddresses: device.macs,
    },
  });
}

/** Every network has a `local` or `lan` of its own: with such a domain Sentinel would take two hosts for one. */
function identifyingDomain(domain: string | null): string | null {
  return domain?.includes('.') ? domain : null;
}

/** The field also says what no family does: there the platform goes before the version. */
function osVersion({ family, osPlatform, version }: Device['os']): string | null {
  if (family !== 'other') {
    return version;
  }
  return version === null ? osPlatform : `${osPlatform} ${version}`;
}
