import { isJsonObject, type JsonObject } from '../jsonText.ts';
import type { AlertForm } from './alertForm.ts';

/**
 * A Sentinel alert: a row of the SecurityAlert table, or the SecurityAlert entity of Sentinel's API, which has the
 * same under `properties` in camel case. Both keep the alert ID of the product that raised the alert beside the one
 * that Sentinel gave it, which no product knows. The row's TenantId is passed over: it is the workspace's ID.
 */
export const sentinelAlert: AlertForm = {
  origin: 'the VendorOriginalId (in the API also providerAlertId) of the Sentinel alert',
  read(value) {
    const { properties } = value;
    if (hasAnyOf(value, ['VendorOriginalId', 'SystemAlertId'])) {
      return { alertId: productAlertId([value.VendorOriginalId], value.SystemAlertId) };
    }
    if (
      isJsonObject(properties) &&
      hasAnyOf(properties, ['vendorOriginalId', 'providerAlertId', 'systemAlertId'])
    ) {
      const { vendorOriginalId, providerAlertId, systemAlertId } = properties;
      return { alertId: productAlertId([vendorOriginalId, providerAlertId], systemAlertId) };
    }
    return undefined;
  },
};

/** The first ID that is there and is not Sentinel's own, which Sentinel repeats for the alerts it raises itself. */
function productAlertId(candidates: unknown[], systemAlertId: unknown): unknown {
  return candidates.find((id) => id !== undefined && id !== null && id !== '' && id !== systemAlertId);
}

function hasAnyOf(value: JsonObject, names: string[]): boolean {
  return names.some((name) => Object.hasOwn(value, name));
}
