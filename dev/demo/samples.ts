import { readFileSync } from 'node:fs';
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

/** Alert IDs of a sound form that the simulator does not know. */
const UNKNOWN_ALERTS = ['da637000000000000000_404', 'da00000000-0000-4000-8000-000000000404_1'] as const;

/**
 * Alerts in the forms in which they really come in: some unknown, some malformed, one submitted twice.
 * @param known IDs of alerts that Defender knows.
 */
export function createSamples(known: readonly string[]): Sample[] {
  const unused = known.values();
  const next = () => unused.next().value ?? '';
  const one = (form: string, textOf: (alertId: string) => string, alertId = next()) =>
    sampleOf(form, textOf(alertId), alertId);
  const again = next();
  const list = [next(), next(), next()];
  return [
    ...[again, next(), next()].map((alertId) => one('bare ID', asIs, alertId)),
    one('base64', base64),
    one('base64', (alertId) => base64(JSON.stringify({ alertId }))),
    one('JSON string', (alertId) => JSON.stringify(alertId)),
    one('{alertId}', (alertId) => JSON.stringify({ alertId, correlationId: 'INC-2041' })),
    one('{alertId}', (alertId) => JSON.stringify({ alertId, metadata: { playbook: 'Enrich-Device' } })),
    {
      ...{ form: '{alertIds}', alertIds: list, rejections: 1 },
      text: JSON.stringify({ alertIds: [...list, 'da63 747'], correlationId: 'INC-2042' }),
    },
    one('CloudEvent', fixture('cloudEvent')),
    one('Event Grid', fixture('eventGridEvent')),
    one('MDE alert', fixture('defenderAlert')),
    one('MDE alert', (alertId) => base64(fixture('defenderAlert')(alertId))),
    one('Graph alert', fixture('graphAlert')),
    one('Sentinel row', fixture('sentinelRow')),
    one('Sentinel entity', fixture('sentinelEntity')),
    one('bare ID', asIs, again),
    ...UNKNOWN_ALERTS.map((alertId) => one('bare ID', asIs, alertId)),
    ...['../../machines', '{"alertId": "da637', '{"incident": 2041, "severity": "High"}'].map((text) => ({
      ...{ form: 'malformed', text, alertIds: [], rejections: 1 },
    })),
  ];
}

/** The form of alerts beyond the sample. */
export const BACKLOG_FORM = 'backlog';

/** One message for each alert, as a flood brings them. */
export function createBacklog(alertIds: readonly string[]): Sample[] {
  return alertIds.map((alertId) => sampleOf(BACKLOG_FORM, alertId, alertId));
}

/** Alerts of a customer, in messages that name its tenant. */
export function createCustomerSamples(
  { name, tenantId }: { name: string; tenantId: string },
  alertIds: readonly string[],
): Sample[] {
  return alertIds.map((alertId) => sampleOf(name, JSON.stringify({ alertId, tenantId }), alertId));
}

function sampleOf(form: string, text: string, alertId: string): Sample {
  return { form, text, alertIds: [alertId], rejections: 0 };
}

const asIs = (alertId: string) => alertId;

function base64(text: string): string {
  return Buffer.from(text, 'utf8').toString('base64');
}

/** A message of the tests' fixtures, about this alert: the device that it may name is none of the simulator's. */
function fixture(name: string): (alertId: string) => string {
  const text = readFileSync(new URL(`../../test/fixtures/messages/${name}.json`, import.meta.url), 'utf8');
  return (alertId) =>
    text
      .replaceAll(/d[a-z][\da-f]{8,}[\da-f-]*_-?\d+/g, alertId)
      .replaceAll(/("(?:aadT|t)enantId": )"[^"]*"/g, `$1"${TENANT_ID}"`)
      .replaceAll(/,\s*"machineId": "[^"]*"/g, '');
}
