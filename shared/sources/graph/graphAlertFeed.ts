import * as z from 'zod';
import { type AlertFeedDeps, createAlertFeed } from '../pagedAlertFeed.ts';
import type { AlertFeed, ListedAlert } from '../source.ts';
import { mainDevice } from './deviceEvidence.ts';
import { GRAPH_API, type GraphClient } from './graphClient.ts';

export interface GraphAlertFeedDeps extends AlertFeedDeps {
  client: Pick<GraphClient, 'alertsUpdatedSince'>;
}

/**
 * `$top` and `$skip` may not come to more together (documented for Graph's lists and seen for alerts,
 * https://github.com/elastic/integrations/issues/20234).
 */
const DEEPEST_PLACE = 6_000;

/**
 * The alerts of Microsoft Graph: `GET /security/alerts_v2` with `$filter`, `$orderby`, `$top` and `$skip`
 * (https://learn.microsoft.com/graph/api/security-list-alerts_v2), role SecurityAlert.Read.All. It lists the alerts of
 * all products; alerts without a device are left out.
 */
export function createGraphAlertFeed(deps: GraphAlertFeedDeps): AlertFeed {
  const list = {
    api: GRAPH_API,
    service: 'Microsoft Graph',
    advice:
      "Grant the app's identity the application role SecurityAlert.Read.All of Microsoft Graph, or remove ALERT_POLL_SCHEDULE.",
    deepest: DEEPEST_PLACE,
    isOrdered: true as const,
    page: deps.client.alertsUpdatedSince,
    read: readGraphListedAlert,
  };
  return createAlertFeed(list, deps);
}

const text = z.string().optional().catch(undefined);
const entrySchema = z.object({
  id: z.string(),
  tenantId: text,
  severity: text,
  status: text,
  serviceSource: text,
  detectionSource: text,
  lastUpdateDateTime: z.iso
    .datetime()
    .transform((time) => new Date(time))
    .optional()
    .catch(undefined),
  evidence: z.array(z.unknown()).catch([]),
});

/** The words of the Defender API for what Graph names otherwise, so that one filter fits both. */
const DETECTION_SOURCES: Record<string, string> = {
  microsoftDefenderForEndpoint: 'WindowsDefenderAtp',
  antivirus: 'WindowsDefenderAv',
  smartScreen: 'WindowsDefenderSmartScreen',
  customTi: 'CustomerTI',
};

/** Undefined for what is no alert. */
export function readGraphListedAlert(entry: unknown): ListedAlert | undefined {
  const { data } = entrySchema.safeParse(entry);
  if (data === undefined) {
    return undefined;
  }
  const device = mainDevice(data.evidence);
  const { detectionSource = '' } = data;
  return {
    alertId: data.id,
    machineId: device?.mdeDeviceId,
    tenantId: data.tenantId,
    severity: capitalized(data.severity),
    status: capitalized(data.status),
    detectionSource: DETECTION_SOURCES[detectionSource] ?? capitalized(detectionSource),
    updatedAt: data.lastUpdateDateTime,
    ...(device === undefined ? { isDeviceless: true as const } : { evidence: device }),
  };
}

/** Graph writes `inProgress` where the Defender API writes `InProgress`. */
function capitalized(word: string | undefined): string | undefined {
  return word && `${word.charAt(0).toUpperCase()}${word.slice(1)}`;
}
