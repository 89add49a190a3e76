import type { AlertRecord, Alerts } from '../alerts/alerts.ts';
import type { Fleet } from '../fleet/fleet.ts';
import type { MachineRecord } from '../fleet/machineRecord.ts';
import { pick, seededRandom } from '../random.ts';
import { type DeviceRole, deviceEvidence } from './deviceEvidence.ts';

/** What Microsoft Graph answers from: the same tenant that the Defender API shows. */
export interface GraphWorld {
  seed: string;
  fleet: Fleet;
  alerts: Alerts;
}

/** A device that an alert names, in the order of importance: the first is the one that the alert is about. */
export interface AlertDevice {
  machineId: string;
  /** Undefined for a device that the tenant does not know. */
  machine: MachineRecord | undefined;
  role: DeviceRole;
}

const BARE_GUID = /^[\da-f]{8}-[\da-f]{4}-/i;
const PREFIXED_GUID = /^da(?=[\da-f]{8}-[\da-f]{4}-)/i;

/** Graph's `id` of an alert. Where the Defender API leaves the prefix of a GUID out, Graph does not. */
export function graphAlertId({ id }: AlertRecord): string {
  return BARE_GUID.test(id) ? `da${id}` : id;
}

/** The alert by either of its IDs, whichever of them the Defender API knows it by. */
export function findAlert(alerts: Alerts, id: string): AlertRecord | undefined {
  const otherId = BARE_GUID.test(id) ? `da${id}` : id.replace(PREFIXED_GUID, '');
  return alerts.byId(id) ?? alerts.byId(otherId);
}

/** The devices of an alert: none for an alert without one, a second one for one alert in six. */
export function devicesOf(alert: AlertRecord, { seed, fleet }: GraphWorld): AlertDevice[] {
  if (alert.machineId === null) {
    return [];
  }
  const random = seededRandom(seed, 'alert devices', alert.id);
  const related = pick(random, fleet.machines);
  const hasRelated = random() < 1 / 6 && related.id !== alert.machineId;
  const role = pick<DeviceRole>(random, [
    ...new Array<DeviceRole>(8).fill('primary'),
    'main',
    hasRelated ? 'primary' : 'unnamed',
  ]);
  const main = { machineId: alert.machineId, machine: fleet.byId(alert.machineId), role };
  return hasRelated ? [main, { machineId: related.id, machine: related, role: 'unnamed' }] : [main];
}

/** The properties of an alert that a list can be filtered and sorted by, and the rest but its evidence. */
export function graphAlertHead(alert: AlertRecord) {
  const id = graphAlertId(alert);
  return {
    id,
    providerAlertId: id.replace(PREFIXED_GUID, ''),
    incidentId: String(alert.incidentId),
    status: camelCase(alert.status),
    severity: camelCase(alert.severity),
    classification: null,
    determination: null,
    ...sourcesOf(alert.detectionSource),
    detectorId: alert.detectorId,
    tenantId: alert.aadTenantId,
    title: alert.title,
    description: alert.description,
    recommendedActions: '',
    category: alert.category,
    assignedTo: alert.assignedTo,
    alertWebUrl: `https://security.microsoft.com/alerts/${id}?tid=${alert.aadTenantId}`,
    incidentWebUrl: `https://security.microsoft.com/incident2/${alert.incidentId}/overview?tid=${alert.aadTenantId}`,
    actorDisplayName: null,
    threatDisplayName: alert.threatName,
    threatFamilyName: alert.threatFamilyName,
    mitreTechniques: alert.mitreTechniques,
    createdDateTime: alert.alertCreationTime,
    lastUpdateDateTime: alert.lastUpdateTime,
    resolvedDateTime: alert.resolvedTime,
    firstActivityDateTime: alert.firstEventTime,
    lastActivityDateTime: alert.lastEventTime,
    systemTags: [],
    alertPolicyId: null,
    additionalData: null,
    comments: [],
  };
}

/** A whole alert, evidence inline as Graph always has it. A related device may come before the main one. */
export function graphAlert(alert: AlertRecord, world: GraphWorld) {
  const head = graphAlertHead(alert);
  const createdDateTime = head.createdDateTime;
  const common = { createdDateTime, verdict: 'suspicious', remediationStatus: 'none', roles: [], tags: [] };
  const devices = devicesOf(alert, world);
  const random = seededRandom(world.seed, 'evidence order', alert.id);
  return {
    ...head,
    evidence: [
      {
        '@odata.type': '#microsoft.graph.security.userEvidence',
        ...common,
        remediationStatusDetails: null,
        detailedRoles: [],
        userAccount: { accountName: 'kim', domainName: 'CORP', userSid: null, azureAdUserId: null },
      },
      ...(devices[0] === undefined
        ? []
        : [
            {
              '@odata.type': '#microsoft.graph.security.fileEvidence',
              ...common,
              remediationStatusDetails: null,
              detailedRoles: [],
              detectionStatus: 'detected',
              mdeDeviceId: devices[0].machineId,
              fileDetails: { fileName: 'sample.exe', filePath: 'C:\\Temp', sha1: null, sha256: null },
            },
          ]),
      ...(random() < 0.5 ? devices : devices.toReversed()).map((device) => ({
        '@odata.type': '#microsoft.graph.security.deviceEvidence',
        createdDateTime,
        ...deviceEvidence(device, world.seed),
      })),
    ],
  };
}

/** By the Defender API's word for what found an alert: the product and the sensor, in Graph's words. */
const SOURCES: Record<string, readonly [serviceSource: string, detectionSource: string]> = {
  WindowsDefenderAtp: ['microsoftDefenderForEndpoint', 'microsoftDefenderForEndpoint'],
  WindowsDefenderAv: ['microsoftDefenderForEndpoint', 'antivirus'],
  WindowsDefenderSmartScreen: ['microsoftDefenderForEndpoint', 'smartScreen'],
  CustomDetection: ['microsoftDefenderForEndpoint', 'customDetection'],
  CustomerTI: ['microsoftDefenderForEndpoint', 'customTi'],
  AutomatedInvestigation: ['microsoftDefenderForEndpoint', 'automatedInvestigation'],
  OfficeATP: ['microsoftDefenderForOffice365', 'microsoftDefenderForOffice365'],
  MCAS: ['microsoftDefenderForCloudApps', 'cloudAppSecurity'],
  AadIdentityProtection: ['azureAdIdentityProtection', 'azureAdIdentityProtection'],
  AzureATP: ['microsoftDefenderForIdentity', 'microsoftDefenderForIdentity'],
};

const PRODUCTS: Record<string, string> = {
  microsoftDefenderForEndpoint: 'Microsoft Defender for Endpoint',
  microsoftDefenderForOffice365: 'Microsoft Defender for Office 365',
  microsoftDefenderForCloudApps: 'Microsoft Defender for Cloud Apps',
  microsoftDefenderForIdentity: 'Microsoft Defender for Identity',
  azureAdIdentityProtection: 'Microsoft Entra ID Protection',
};

function sourcesOf(source: string) {
  const [serviceSource, detectionSource] = SOURCES[source] ?? [
    'microsoftDefenderForEndpoint',
    'unknownFutureValue',
  ];
  return { serviceSource, detectionSource, productName: PRODUCTS[serviceSource] };
}

function camelCase(word: string): string {
  return `${word.charAt(0).toLowerCase()}${word.slice(1)}`;
}
