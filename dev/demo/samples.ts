import type { QueueClient } from '@azure/storage-queue';
import { TENANT_ID } from '../simulator/identity.ts';

/** One message for the alerts queue, and what must come of it. */
export interface Sample {
  /** How the alert comes in, for a person. */
  form: string;
  /** The message's text. */
  text: string;
  /** The alerts in it: each ends in one enrichment. */
  alertIds: readonly string[];
  /** Parts that are no alert: each ends as a dead letter. */
  rejections: number;
}

/** Alerts that `createSamples` needs to be known to Defender. */
export const KNOWN_ALERTS_IN_SAMPLES = 18;

/** Alert IDs of a sound form that the simulator does not know. */
const UNKNOWN_ALERTS = ['da637000000000000000_404', 'da00000000-0000-4000-8000-000000000404_1'] as const;

/**
 * Alerts in the forms in which they really come in: some unknown, some malformed, one submitted twice.
 * @param known IDs of `KNOWN_ALERTS_IN_SAMPLES` alerts that Defender knows.
 * @param now For the times in alerts and events.
 */
export function createSamples(known: readonly string[], now: Date): Sample[] {
  if (known.length < KNOWN_ALERTS_IN_SAMPLES) {
    throw new Error(`The sample needs ${KNOWN_ALERTS_IN_SAMPLES} known alerts, got ${known.length}.`);
  }
  let used = 0;
  const next = () => known[used++] ?? '';
  const time = now.toISOString();

  const one = (form: string, textOf: (alertId: string) => string, alertId = next()): Sample => ({
    form,
    text: textOf(alertId),
    alertIds: [alertId],
    rejections: 0,
  });
  const malformed = (text: string): Sample => ({ form: 'malformed', text, alertIds: [], rejections: 1 });

  const bare = [one('bare ID', asIs), one('bare ID', asIs), one('bare ID', asIs)];
  const list = [next(), next(), next()];
  return [
    ...bare,
    one('base64', base64),
    one('base64', (alertId) => base64(JSON.stringify({ alertId }))),
    one('JSON string', (alertId) => JSON.stringify(alertId)),
    one('{alertId}', (alertId) => JSON.stringify({ alertId, correlationId: 'INC-2041' })),
    one('{alertId}', (alertId) => JSON.stringify({ alertId, metadata: { playbook: 'Enrich-Device' } })),
    {
      form: '{alertIds}',
      text: JSON.stringify({ alertIds: [...list, 'da63 747'], correlationId: 'INC-2042' }),
      alertIds: list,
      rejections: 1,
    },
    one('CloudEvent', (alertId) => cloudEvent(alertId, time)),
    one('Event Grid', (alertId) => eventGridEvent(alertId, time)),
    one('MDE alert', (alertId) => defenderAlert(alertId, time)),
    one('MDE alert', (alertId) => base64(defenderAlert(alertId, time))),
    one('Graph alert', (alertId) => graphAlert(alertId, time)),
    one('Sentinel row', (alertId) => sentinelRow(alertId, time)),
    one('Sentinel entity', sentinelEntity),
    one('bare ID', asIs, bare[0]?.alertIds[0]),
    ...UNKNOWN_ALERTS.map((alertId) => one('bare ID', asIs, alertId)),
    malformed('../../machines'),
    malformed('{"alertId": "da637'),
    malformed(JSON.stringify({ incident: 2041, severity: 'High' })),
  ];
}

/** The form of alerts beyond the sample. */
export const BACKLOG_FORM = 'backlog';

/** One message for each alert, as a flood brings them. */
export function createBacklog(alertIds: readonly string[]): Sample[] {
  return alertIds.map((alertId) => ({
    form: BACKLOG_FORM,
    text: alertId,
    alertIds: [alertId],
    rejections: 0,
  }));
}

const asIs = (alertId: string) => alertId;

function base64(text: string): string {
  return Buffer.from(text, 'utf8').toString('base64');
}

function cloudEvent(alertId: string, time: string): string {
  return JSON.stringify({
    specversion: '1.0',
    id: 'event-1',
    source: '/contoso/soc/alerts',
    type: 'com.contoso.soc.alert.raised',
    time,
    data: { alertId },
  });
}

function eventGridEvent(alertId: string, time: string): string {
  return JSON.stringify({
    id: 'event-2',
    topic: '/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/contoso-soc',
    subject: `alerts/${alertId}`,
    eventType: 'Contoso.Soc.AlertRaised',
    eventTime: time,
    data: { alertId },
    dataVersion: '1.0',
  });
}

function defenderAlert(alertId: string, time: string): string {
  return JSON.stringify({
    id: alertId,
    incidentId: 2041,
    severity: 'Medium',
    status: 'New',
    detectionSource: 'WindowsDefenderAtp',
    title: 'Suspicious PowerShell command line',
    alertCreationTime: time,
    aadTenantId: TENANT_ID,
  });
}

function graphAlert(alertId: string, time: string): string {
  return JSON.stringify({
    '@odata.type': '#microsoft.graph.security.alert',
    id: alertId,
    tenantId: TENANT_ID,
    severity: 'medium',
    serviceSource: 'microsoftDefenderForEndpoint',
    title: 'Suspicious execution of hidden file',
    createdDateTime: time,
    evidence: [],
  });
}

function sentinelRow(alertId: string, time: string): string {
  return JSON.stringify({
    TimeGenerated: time,
    ProductName: 'Microsoft Defender Advanced Threat Protection',
    AlertName: 'Suspicious PowerShell command line',
    VendorOriginalId: alertId,
    SystemAlertId: '6aaf30b9-4bbf-9a7a-32e1-1c9b3a5d8e0f',
  });
}

function sentinelEntity(alertId: string): string {
  return JSON.stringify({
    kind: 'SecurityAlert',
    properties: { providerAlertId: alertId, systemAlertId: '6aaf30b9-4bbf-9a7a-32e1-1c9b3a5d8e10' },
  });
}

/** Messages are put into the queue this many at a time. */
const SEND_AT_ONCE = 16;
/** No expiry. */
const KEEP = -1;

/** Puts the samples into the alerts queue as they are, in their order as far as the queue keeps one. */
export async function submitSamples(queue: QueueClient, samples: readonly Sample[]): Promise<void> {
  for (let start = 0; start < samples.length; start += SEND_AT_ONCE) {
    const batch = samples.slice(start, start + SEND_AT_ONCE);
    await Promise.all(batch.map(({ text }) => queue.sendMessage(text, { messageTimeToLive: KEEP })));
  }
}
