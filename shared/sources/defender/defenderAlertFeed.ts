import { type AlertFeedDeps, createAlertFeed } from '../pagedAlertFeed.ts';
import type { AlertFeed } from '../source.ts';
import { DEFENDER_API, type DefenderClient } from './defenderClient.ts';
import { readListedAlert } from './reply.ts';

/** Each of these lets the app have lists of alerts. */
export const ALERT_ROLES = ['Alert.Read.All', 'Alert.ReadWrite.All'];

export interface DefenderAlertFeedDeps extends AlertFeedDeps {
  client: Pick<DefenderClient, 'alertsUpdatedSince'>;
}

/**
 * The alerts of Defender for Endpoint: `GET /api/alerts` with `$filter`, `$top` and `$skip`, in an order that the API does
 * not tell (https://learn.microsoft.com/defender-endpoint/api/get-alerts), role Alert.Read.All.
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
