/** Where a property of a machine is found in Microsoft Graph. */
export interface MachineField {
  /** In the evidence of an alert (`alerts_v2`): the property of a `deviceEvidence`; undefined when it has none. */
  evidence?: string;
  /** In hunting: the column of DeviceInfo or DeviceNetworkInfo; undefined when there is none. */
  hunting?: string;
  /** What is lost on the way, to a person; undefined when nothing is. */
  loss?: string;
}

/**
 * Every property of a machine, in the order of Defender's documentation, and its places in Microsoft Graph
 * (https://learn.microsoft.com/graph/api/resources/security-deviceevidence and
 * https://learn.microsoft.com/defender-xdr/advanced-hunting-deviceinfo-table). `osVersion`, null in all records, is
 * left out. Where both places have a property the evidence goes first: Graph joins it when the alert is read.
 */
export const MACHINE_FIELDS = {
  id: { evidence: 'mdeDeviceId', hunting: 'DeviceId' },
  mergedIntoMachineId: { hunting: 'MergedToDeviceId' },
  isPotentialDuplication: { loss: 'nowhere in Graph' },
  isExcluded: { hunting: 'IsExcluded' },
  exclusionReason: { hunting: 'ExclusionReason' },
  computerDnsName: {
    evidence: 'deviceDnsName',
    hunting: 'DeviceName',
    loss: 'by hunting alone it may be the short name',
  },
  firstSeen: { evidence: 'firstSeenDateTime' },
  lastSeen: {
    hunting: 'Timestamp',
    loss: 'the newest report of the last 30 days; Defender gives the last full daily one',
  },
  osPlatform: { evidence: 'osPlatform', hunting: 'OSPlatform' },
  osProcessor: { loss: 'nowhere in Graph' },
  version: {
    evidence: 'version',
    hunting: 'OSVersionInfo',
    loss: 'by hunting alone it is `OSVersion` on other systems than Windows',
  },
  lastIpAddress: { evidence: 'lastIpAddress' },
  lastExternalIpAddress: { evidence: 'lastExternalIpAddress', hunting: 'PublicIP' },
  agentVersion: { hunting: 'ClientVersion' },
  osBuild: { evidence: 'osBuild', hunting: 'OSBuild', loss: 'null on macOS' },
  healthStatus: {
    evidence: 'healthStatus',
    hunting: 'SensorHealthState',
    loss: "without hunting a word that is newer than Graph's list is null",
  },
  deviceValue: { hunting: 'AssetValue', loss: '`Normal` is not told apart from no value: null' },
  rbacGroupId: { evidence: 'rbacGroupId' },
  rbacGroupName: { evidence: 'rbacGroupName', hunting: 'MachineGroup' },
  riskScore: { evidence: 'riskScore', loss: "a word that is newer than Graph's list is null" },
  exposureLevel: { hunting: 'ExposureLevel' },
  isAadJoined: { hunting: 'IsAzureADJoined' },
  aadDeviceId: { evidence: 'azureAdDeviceId', hunting: 'AadDeviceId' },
  machineTags: {
    evidence: 'tags',
    hunting: 'DeviceManualTags, DeviceDynamicTags, RegistryDeviceTag',
    loss: 'without hunting the tag of the registry at most; the order may be another',
  },
  defenderAvStatus: { evidence: 'defenderAvStatus', loss: "a word that is newer than Graph's list is null" },
  onboardingStatus: {
    evidence: 'onboardingStatus',
    hunting: 'OnboardingStatus',
    loss: "without hunting a word that is newer than Graph's list is null",
  },
  osArchitecture: { hunting: 'OSArchitecture' },
  managedBy: { loss: 'nowhere in Graph' },
  managedByStatus: { loss: 'nowhere in Graph' },
  ipAddresses: {
    evidence: 'ipInterfaces',
    hunting: 'IPAddresses, MacAddress, NetworkAdapterType, NetworkAdapterStatus',
    loss: 'without hunting, or for a device that was silent for 7 days, addresses alone, as of the alert; the order may be another',
  },
  vmMetadata: {
    evidence: 'vmMetadata',
    hunting: 'AzureVmId, AzureResourceId, AzureVmSubscriptionId',
  },
} as const satisfies Record<string, MachineField>;

/** The name of a property of a machine. */
export type MachineProperty = keyof typeof MACHINE_FIELDS;

/** The properties that a machine made of these parts cannot have, in the order of the table. */
export function unavailableProperties(parts: { evidence: boolean; hunting: boolean }): MachineProperty[] {
  const fields: [string, MachineField][] = Object.entries(MACHINE_FIELDS);
  return fields
    .filter(([, field]) => !((parts.evidence && field.evidence) || (parts.hunting && field.hunting)))
    .map(([property]) => property as MachineProperty);
}
