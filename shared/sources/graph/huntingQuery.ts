import { isAlertId } from '../../intake/submission.ts';

/** How far back hunting has data. */
const TIMESPAN = 'P30D';

/** The body of `POST /security/runHuntingQuery`. */
export interface HuntingRequest {
  Query: string;
  Timespan: string;
}

/** The newest row of each device in DeviceInfo; rows without a platform count as older, because they are not full. */
const DEVICES = `let Devices = DeviceInfo
  | where Timestamp > ago(30d)
  | where DeviceId in ((Main | project DeviceId))
  | project Timestamp, DeviceId, DeviceName, ClientVersion, PublicIP, OSArchitecture, OSPlatform, OSVersion,
      OSBuild = tostring(OSBuild), IsAzureADJoined = tostring(column_ifexists("IsAzureADJoined", bool(null))),
      JoinType, AadDeviceId, MachineGroup, OnboardingStatus, LoggedOnUsers, RegistryDeviceTag,
      OSVersionInfo = column_ifexists("OSVersionInfo", ""), OSDistribution = column_ifexists("OSDistribution", ""),
      MergedToDeviceId = column_ifexists("MergedToDeviceId", ""),
      SensorHealthState = column_ifexists("SensorHealthState", ""), ExposureLevel = column_ifexists("ExposureLevel", ""),
      AssetValue = column_ifexists("AssetValue", ""), IsExcluded = tostring(column_ifexists("IsExcluded", bool(null))),
      ExclusionReason = column_ifexists("ExclusionReason", ""),
      DeviceManualTags = column_ifexists("DeviceManualTags", ""),
      DeviceDynamicTags = column_ifexists("DeviceDynamicTags", ""), DeviceType = column_ifexists("DeviceType", ""),
      CloudPlatforms = column_ifexists("CloudPlatforms", ""), AzureVmId = column_ifexists("AzureVmId", ""),
      AzureResourceId = column_ifexists("AzureResourceId", ""),
      AzureVmSubscriptionId = column_ifexists("AzureVmSubscriptionId", ""),
      AwsResourceName = column_ifexists("AwsResourceName", ""),
      GcpFullResourceName = column_ifexists("GcpFullResourceName", "")
  | extend Freshness = iff(isnotempty(OSPlatform), Timestamp, Timestamp - 60d)
  | summarize arg_max(Freshness, *) by DeviceId
  | project-rename DeviceInfoTime = Timestamp;
let Interfaces = DeviceNetworkInfo
  | where Timestamp > ago(7d)
  | where DeviceId in ((Main | project DeviceId))
  | summarize arg_max(Timestamp, NetworkAdapterType, NetworkAdapterStatus, IPAddresses)
      by DeviceId, NetworkAdapterName, MacAddress
  | summarize Interfaces = make_list(bag_pack("mac", MacAddress, "type", NetworkAdapterType,
      "status", NetworkAdapterStatus, "ips", parse_json(IPAddresses), "seen", Timestamp), 64) by DeviceId
  | project DeviceId, Interfaces = tostring(Interfaces);`;

/** The columns that describe a device. All are text: then the service's own forms of other types do not matter. */
const DEVICE_COLUMNS = `DeviceInfoTime = tostring(DeviceInfoTime), DeviceName, ClientVersion, PublicIP, OSArchitecture,
    OSPlatform, OSVersion, OSBuild, IsAzureADJoined, JoinType, AadDeviceId, MachineGroup, OnboardingStatus,
    LoggedOnUsers, RegistryDeviceTag, OSVersionInfo, OSDistribution, MergedToDeviceId, SensorHealthState,
    ExposureLevel, AssetValue, IsExcluded, ExclusionReason, DeviceManualTags, DeviceDynamicTags, DeviceType,
    CloudPlatforms, AzureVmId, AzureResourceId, AzureVmSubscriptionId, AwsResourceName, GcpFullResourceName,
    Interfaces`;

/**
 * Describes devices: a row for each ID, with `Outcome` `device`, or `device_without_info` for one that sent nothing.
 */
export function devicesQuery(deviceIds: readonly string[]): HuntingRequest {
  return request(`let Main = ${datatable('DeviceId', deviceIds)};
${DEVICES}
Main
| distinct DeviceId
| lookup kind=leftouter Devices on DeviceId
| lookup kind=leftouter Interfaces on DeviceId
| extend Outcome = iff(isnotnull(DeviceInfoTime), "device", "device_without_info")
| project RequestId = DeviceId, DeviceId, Outcome, ${DEVICE_COLUMNS}`);
}

/**
 * Describes the main device of each alert, for apps that may not read alerts themselves: a row for each ID, with
 * `Outcome` `device`, `device_without_info`, `alert_without_device` or `alert_unknown`. The alert's ID is
 * looked for with and without the prefix that some APIs leave out.
 */
export function alertsQuery(alertIds: readonly string[]): HuntingRequest {
  return request(`let Wanted = ${datatable('RequestId', alertIds)}
| extend Bare = iff(RequestId matches regex @"^[a-z]{2}[0-9A-Fa-f]{8}-", substring(RequestId, 2), RequestId)
| mv-expand AlertId = pack_array(RequestId, Bare, strcat("da", Bare)) to typeof(string)
| distinct RequestId, AlertId;
let Evidence = materialize(
  AlertEvidence
  | where Timestamp > ago(30d)
  | where AlertId in ((Wanted | project AlertId))
  | project Timestamp, AlertId, EntityType, EvidenceRole, DeviceId, AdditionalFields
  | lookup kind=inner Wanted on AlertId);
let Main = materialize(
  Evidence
  | where EntityType == "Machine" and isnotempty(DeviceId)
  | extend Extra = parse_json(AdditionalFields)
  | extend Rank = case(
      coalesce(tobool(Extra.LeadingHost), false), 0,
      tostring(Extra.DetailedRoles) has_any ("PrimaryDevice", "Main device"), 1,
      EvidenceRole == "Impacted", 2,
      3)
  | summarize Rank = min(Rank), EvidenceTime = max(Timestamp) by RequestId, DeviceId
  | sort by RequestId asc, Rank asc, EvidenceTime desc, DeviceId asc
  | extend Position = row_number(1, prev(RequestId) != RequestId)
  | summarize DeviceId = take_anyif(DeviceId, Position == 1) by RequestId);
${DEVICES}
Wanted
| distinct RequestId
| join kind=leftouter (Evidence | summarize EvidenceRows = count() by RequestId) on RequestId
| project RequestId, EvidenceRows = coalesce(EvidenceRows, 0)
| lookup kind=leftouter Main on RequestId
| lookup kind=leftouter Devices on DeviceId
| lookup kind=leftouter Interfaces on DeviceId
| extend Outcome = case(
    isnotnull(DeviceInfoTime), "device",
    isnotempty(DeviceId), "device_without_info",
    EvidenceRows > 0, "alert_without_device",
    "alert_unknown")
| project RequestId, DeviceId, Outcome, ${DEVICE_COLUMNS}`);
}

function request(query: string): HuntingRequest {
  return { Query: query, Timespan: TIMESPAN };
}

/**
 * The IDs as literals. They are the only part of a query that comes from outside.
 * @throws Error for an ID that could be more than a text: callers have checked them.
 */
function datatable(column: string, ids: readonly string[]): string {
  const wrong = ids.find((id) => !isAlertId(id));
  if (wrong !== undefined) {
    throw new Error(`${JSON.stringify(wrong)} is no ID that may go into a hunting query`);
  }
  return `datatable(${column}:string)[\n${ids.map((id) => `  "${id}"`).join(',\n')}\n]`;
}
