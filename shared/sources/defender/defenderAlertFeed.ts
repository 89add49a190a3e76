import * as z from 'zod';
import { type AlertFeedDeps, createAlertFeed } from '../pagedAlertFeed.ts';
import type { AlertFeed, ListedAlert } from '../source.ts';
import { DEFENDER_API, type DefenderClient } from './defenderClient.ts';

/** Each of these lets the app have lists of alerts. */
export const ALERT_ROLES = ['Alert.Read.All', 'Alert.ReadWrite.All'];

export interface DefenderAlertFeedDeps extends AlertFeedDeps {
  client: Pick<DefenderClient, 'alertsUpdatedSince'>;
}

/**
 * The alerts of Defender for Endpoint: `GET /api/alerts` with `$filter`, `$top` and `$skip`, in an order that the API
 * does not tell (https://learn.microsoft.com/defender-endpoint/api/get-alerts), role Alert.Read.All.
 */
export function createDefenderAlertFeed(deps: DefenderAlertFeedDeps): AlertFeed {
  const list = {
    api: DEFENDER_API,
    service: 'Defender',
    advice:
      "Grant the app's identity the application role Alert.Read.All of the Defender API (WindowsDefenderATP), or remove ALERT_POLL_SCHEDULE.",
    page: deps.client.alertsUpdatedSince,
    read: readListedAlert,
  };
  return createAlertFeed(list, deps);
}

const text = z.string().optional().catch(undefined);

/** What is read of an alert in a list; of all its fields only the ID must be there. */
const alertEntrySchema = z.object({
  id: z.string(),
  machineId: text,
  aadTenantId: text,
  severity: text,
  status: text,
  detectionSource: text,
  /** ISO 8601, UTC, with up to 7 fractional digits, of which a Date keeps three. */
  lastUpdateTime: z.iso
    .datetime()
    .transform((time) => new Date(time))
    .optional()
    .catch(undefined),
});

/** Undefined for what is no alert. */
export function readListedAlert(entry: unknown): ListedAlert | undefined {
  const { data } = alertEntrySchema.safeParse(entry);
  return (
    data && {
      alertId: data.id,
      machineId: data.machineId,
      tenantId: data.aadTenantId,
      severity: data.severity,
      status: data.status,
      detectionSource: data.detectionSource,
      updatedAt: data.lastUpdateTime,
    }
  );
}
