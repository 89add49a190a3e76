import type { Api } from '../apiCall.ts';
import { createHttpClient } from '../httpClient.ts';
import type { PageQuery } from '../pagedAlertFeed.ts';
import {
  type AlertListReply,
  type AlertReply,
  type HuntingReply,
  readAlertListReply,
  readAlertReply,
  readHuntingReply,
} from './graphReply.ts';
import type { HuntingRequest } from './huntingQuery.ts';

/** Microsoft Graph in messages for people. */
export const GRAPH_API: Api = { name: 'Microsoft Graph', scopeSetting: 'GRAPH_TOKEN_SCOPE' };

/** Speaks HTTP with Microsoft Graph: one request, one reply, no retries and no exceptions. */
export interface GraphClient {
  /** https://learn.microsoft.com/graph/api/security-alert-get */
  alert(alertId: string, token: string, signal: AbortSignal): Promise<AlertReply>;
  /**
   * One page of the alerts updated at or after `since`, oldest first:
   * https://learn.microsoft.com/graph/api/security-list-alerts_v2
   */
  alertsUpdatedSince(query: PageQuery, token: string, signal: AbortSignal): Promise<AlertListReply>;
  /** https://learn.microsoft.com/graph/api/security-security-runhuntingquery */
  hunt(request: HuntingRequest, token: string, signal: AbortSignal): Promise<HuntingReply>;
}

/** Longest alert that is read (bytes, decompressed). A real one with 23 pieces of evidence had 33 KB. */
const LONGEST_ALERT = 1024 * 1024;
const LONGEST_LIST = 32 * 1024 * 1024;
/** Longest hunting answer that is read (bytes). A row has a few KB with the adapters, and a query asks for 100 rows. */
const LONGEST_ROWS = 8 * 1024 * 1024;
/**
 * Longest time until a hunting answer begins (ms). The service allows 3 minutes, longer than a run; ours take seconds.
 */
const HUNTING_TIMEOUT_MS = 60_000;

/** With this header enums have all their members; otherwise the service leaves newer ones out. */
const ALL_MEMBERS = { prefer: 'include-unknown-enum-members' };

/** @param apiUrl Address of Graph without a slash at its end, already checked to be Graph's own. */
export function createGraphClient(apiUrl: string, now: () => Date): GraphClient {
  const http = createHttpClient('Microsoft Graph', apiUrl, now);
  return {
    alert(alertId, token, signal) {
      const path = `/v1.0/security/alerts_v2/${encodeURIComponent(alertId)}`;
      const route = '/v1.0/security/alerts_v2/{id}';
      const headers = ALL_MEMBERS;
      return http.send(
        { path, route, token, headers, longestBody: LONGEST_ALERT, read: readAlertReply },
        signal,
      );
    },
    alertsUpdatedSince({ since, until, top, skip }, token, signal) {
      const end = until === undefined ? '' : ` and lastUpdateDateTime lt ${until.toISOString()}`;
      const filter = encodeURIComponent(`lastUpdateDateTime ge ${since.toISOString()}${end}`);
      const path = `/v1.0/security/alerts_v2?$filter=${filter}&$orderby=lastUpdateDateTime&$top=${top}&$skip=${skip}`;
      const route = '/v1.0/security/alerts_v2';
      const headers = ALL_MEMBERS;
      return http.send(
        { path, route, token, headers, longestBody: LONGEST_LIST, read: readAlertListReply },
        signal,
      );
    },
    hunt(body, token, signal) {
      const path = '/v1.0/security/runHuntingQuery';
      const responseTimeoutMs = HUNTING_TIMEOUT_MS;
      return http.send(
        {
          path,
          route: path,
          token,
          body,
          responseTimeoutMs,
          longestBody: LONGEST_ROWS,
          read: readHuntingReply,
        },
        signal,
      );
    },
  };
}
