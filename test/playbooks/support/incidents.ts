import type { Json, JsonObject } from './evaluate.ts';
import { workspaceResourceId } from './playbooks.ts';

export const incidentName = '73e01a99-5cd7-4139-a149-9f2736ff2ab5';
export const incidentId = `${workspaceResourceId}/providers/Microsoft.SecurityInsights/Incidents/${incidentName}`;
export const incidentUrl = `https://management.azure.com${incidentId}`;

export interface AlertDetails {
  providerAlertId?: string | null;
  productName?: string;
  systemAlertId?: string;
}

/** An alert of an incident: the SecurityAlert entity of Sentinel's API, which the trigger carries too. */
export function sentinelAlert(details: AlertDetails): JsonObject {
  const {
    providerAlertId = null,
    productName = 'Microsoft Defender Advanced Threat Protection',
    systemAlertId = `6aaf30b9-4bbf-9a7a-32e1-${String(providerAlertId).slice(-12).padStart(12, '0')}`,
  } = details;
  return {
    id: `${workspaceResourceId}/providers/Microsoft.SecurityInsights/Entities/${systemAlertId}`,
    name: systemAlertId,
    type: 'Microsoft.SecurityInsights/Entities',
    kind: 'SecurityAlert',
    properties: {
      systemAlertId,
      ...(providerAlertId !== null && { providerAlertId }),
      alertDisplayName: 'Suspicious PowerShell command line',
      severity: 'Medium',
      vendorName: 'Microsoft',
      productName,
      status: 'New',
      tactics: ['Execution'],
      timeGenerated: '2026-02-10T08:12:44.114Z',
      resourceIdentifiers: [],
      additionalData: { 'MicrosoftDefenderAtp.Category': 'Execution' },
      friendlyName: 'Suspicious PowerShell command line',
    },
  };
}

/** What the incident trigger hands to a playbook. */
export function incidentBody(alerts: Json[], labels: string[] = []): JsonObject {
  return {
    eventUniqueId: '0c0a9c5c-9f4b-4f0b-8a3b-1f5a0a3a6f11',
    objectSchemaType: 'Incident',
    objectEventType: 'Create',
    workspaceId: 'd2b8a1c4-0000-4000-8000-000000000001',
    object: {
      id: incidentId,
      name: incidentName,
      etag: '"0c00a1b2-0000-0d00-0000-65c7a2f10000"',
      type: 'Microsoft.SecurityInsights/Incidents',
      properties: {
        title: 'Suspicious PowerShell command line on one endpoint',
        severity: 'Medium',
        status: 'New',
        labels: labels.map((labelName) => ({ labelName, labelType: 'User' })),
        incidentNumber: 2041,
        providerName: 'Azure Sentinel',
        additionalData: {
          alertsCount: alerts.length,
          alertProductNames: ['Microsoft Defender Advanced Threat Protection'],
        },
        Alerts: alerts,
        Bookmarks: [],
        relatedEntities: [],
      },
    },
  };
}
