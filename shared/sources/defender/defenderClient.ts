import type { Machine } from '../../device/machine.ts';
import type { Api } from '../apiCall.ts';
import type { BatchReply } from '../batch.ts';
import { createHttpClient } from '../httpClient.ts';
import type { PageQuery } from '../pagedAlertFeed.ts';
import {
  type ListReply,
  LONGEST_MACHINE,
  type Reply,
  readListReply,
  readMachinesReply,
  readReply,
} from './reply.ts';

/** The Defender API in messages for people. */
export const DEFENDER_API: Api = { name: 'the Defender API', scopeSetting: 'DEFENDER_TOKEN_SCOPE' };

/** Speaks HTTP with the Defender API: one request, one reply, no retries and no exceptions. */
export interface DefenderClient {
  machineOfAlert(alertId: string, token: string, signal: AbortSignal): Promise<Reply>;
  /**
   * Several machines by their IDs, 30 at most; those that do not exist are left out
   * (https://learn.microsoft.com/defender-endpoint/api/get-machines).
   */
  machines(machineIds: readonly string[], token: string, signal: AbortSignal): Promise<BatchReply<Machine>>;
  /** One page of the alerts updated at or after `since`, in an order that the API does not tell. */
  alertsUpdatedSince(query: PageQuery, token: string, signal: AbortSignal): Promise<ListReply>;
}

/** Longest list that is read (bytes). A page of 1,000 alerts has about 3 MB, and it is parsed whole. */
const LONGEST_LIST = 16 * 1024 * 1024;

/** @param apiUrl Address of the API without a slash at its end, already checked to be Defender's own. */
export function createDefenderClient(apiUrl: string, now: () => Date): DefenderClient {
  const http = createHttpClient('Defender', apiUrl, now);
  return {
    machineOfAlert(alertId, token, signal) {
      const path = `/api/alerts/${encodeURIComponent(alertId)}/machine`;
      const route = '/api/alerts/{id}/machine';
      return http.send({ path, route, token, longestBody: LONGEST_MACHINE, read: readReply }, signal);
    },
    machines(machineIds, token, signal) {
      const filter = encodeURIComponent(`id in (${machineIds.map((id) => `'${id}'`).join(',')})`);
      // Its own page is larger than that: a list that is cut would miss machines, which then go the single way.
      const path = `/api/machines?$filter=${filter}`;
      const route = '/api/machines';
      return http.send({ path, route, token, longestBody: LONGEST_LIST, read: readMachinesReply }, signal);
    },
    alertsUpdatedSince({ since, until, top, skip }, token, signal) {
      const end = until === undefined ? '' : ` and lastUpdateTime lt ${until.toISOString()}`;
      const filter = encodeURIComponent(`lastUpdateTime ge ${since.toISOString()}${end}`);
      const path = `/api/alerts?$filter=${filter}&$top=${top}&$skip=${skip}`;
      const route = '/api/alerts';
      return http.send({ path, route, token, longestBody: LONGEST_LIST, read: readListReply }, signal);
    },
  };
}
