import type { Device } from '../device/device.ts';
import { azureResourceId, type ProjectedObject, withoutUnknown } from './fields.ts';
import { inPascalCase, type MdeProperties, mdeProperties, without } from './mdeProperties.ts';

/** What ASIM has a field for; the resource ID only when it is one of Azure. */
const PLACED: readonly (keyof MdeProperties)[] = ['osPlatform', 'version', 'subscriptionId', 'resourceId'];

/**
 * The device as the `Dvc` fields of ASIM, which are common to all its schemas (device entity of 2025-07,
 * https://learn.microsoft.com/azure/sentinel/normalization-entity-device). What ASIM has no field for stands under
 * `AdditionalFields`.
 */
export function toAsim(device: Device): ProjectedObject {
  const properties = mdeProperties(device);
  const { resourceId } = properties;
  const azureId = azureResourceId(resourceId);
  return withoutUnknown({
    EventVendor: 'Microsoft',
    EventProduct: 'Microsoft Defender XDR for Endpoint',
    Dvc: device.fqdn ?? device.id,
    DvcId: device.id,
    DvcIdType: 'MDEid',
    DvcHostname: device.hostname,
    DvcDomain: device.domain,
    DvcDomainType: device.domain && 'FQDN',
    DvcFQDN: device.fqdn,
    DvcIpAddr: device.ip,
    DvcMacAddr: device.mac?.replaceAll('-', ':'),
    DvcOs: properties.osPlatform,
    DvcOsVersion: properties.version,
    DvcAzureResourceId: azureId,
    DvcScopeId: properties.subscriptionId,
    AdditionalFields: {
      ...inPascalCase(without(properties, PLACED)),
      ResourceId: azureId === null ? resourceId : null,
      IpAddresses: device.ips,
      MacAddresses: device.macs,
    },
  });
}
