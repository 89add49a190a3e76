import { readTokenClaims } from './accessToken.ts';
import { type Api, type ApiAccess, type CallFailure, callApi, withGrants } from './apiCall.ts';
import type { Failure, ListPage } from './apiReply.ts';
import type { AlertBatch, AlertFeed, ListedAlert, ListingEnd } from './source.ts';

/** A list of alerts that an API shows in pages, by the time of their last update. */
export interface PagedList {
  api: Api;
  /** Names the API in sentences. */
  service: string;
  /** Ends the sentence about a list that was refused with 403: which role to grant, and where. */
  advice: string;
  /** `$top` and `$skip` may not come to more together; undefined where no such limit is known. */
  deepest?: number;
  /** Whether the pages were asked for in the order of update, the oldest first. */
  isOrdered?: true;
  /** One page; where the API tells no order, it may be any. */
  page(query: PageQuery, token: string, signal: AbortSignal): Promise<ListPage | Failure>;
  /** Undefined for an entry that is no alert. */
  read(entry: unknown): ListedAlert | undefined;
}

/** Which page of a list to ask for: the alerts updated from `since` on, and the place of the page among them. */
export interface PageQuery {
  since: Date;
  /** Updates at or after this time are not wanted; undefined wants all. */
  until: Date | undefined;
  /** The size of the page. */
  top: number;
  /** How many alerts of the list come before the page. */
  skip: number;
}

/** What a feed needs besides its list. */
export interface AlertFeedDeps extends ApiAccess {
  now: () => Date;
  /** Alerts on a page; 1,000 when left out. */
  pageSize?: number;
  /**
   * The list is asked for only with a token that has one of these roles, so that no call is spent on a refusal. A token
   * that cannot be read may have them. When this is left out, the API decides.
   */
  onlyWithRoles?: readonly string[];
}

const PAGE_SIZE = 1_000;
const SHORTEST_WINDOW_MS = 1_000;
/** The part of a page that the next one shows again. */
const PAGE_OVERLAP = 0.1;

/** How many places further the next page begins; of a page with one alert nothing can be shown again. */
function stepAfter(entries: number): number {
  return Math.max(1, entries - Math.ceil(entries * PAGE_OVERLAP));
}

/**
 * Creates a feed that reads new alerts by the pages of a list.
 *
 * The list changes while it is paged, and the API does not tell its order. When alerts move away from pages that were
 * read, the alerts behind them move up, and one could slip past between two pages. Therefore pages overlap. An alert
 * that is on two pages in a row, unchanged, proves that none slipped past: the alerts that have not moved keep their
 * order, so every alert behind it is still behind it. The alerts that moved were updated, and so belong to the next
 * listing. Where two pages have no alert in common the listing ends as `moved`.
 *
 * In a list that comes in the order of update, each page begins at the time at which the one before ended, so nothing
 * slips past. A page that shows another order is followed by overlapping ones, as above.
 *
 * A list that is deeper than the API shows is read in two halves of its time, and so on. So each window that was read
 * to its end counts, and a listing that ends early says how far it came.
 *
 * A page that is not full is the last one, unless it has a link to a next page: then the service's pages are smaller
 * than ours. The link is not followed, because pages that it leads to do not overlap; only that there is one counts.
 *
 * A list needs another role than look-ups. Its outcome says nothing about look-ups, so it neither opens the circuit nor
 * probes it while look-ups do. But a 429 concerns all calls alike, and a list can tell whether the pause is over.
 */
export function createAlertFeed(list: PagedList, deps: AlertFeedDeps): AlertFeed {
  const { tokens, now, pageSize = PAGE_SIZE, onlyWithRoles } = deps;
  const { deepest = Number.POSITIVE_INFINITY } = list;

  async function endOf(failure: CallFailure): Promise<ListingEnd> {
    if (failure.kind === 'rejected') {
      return {
        kind: 'rejected',
        detail: `${list.service} refused the list: ${failure.code}: ${failure.message}`,
      };
    }
    if (failure.kind === 'unauthorized' || failure.kind === 'retired') {
      return { kind: 'denied', detail: failure.detail };
    }
    if (failure.kind === 'interrupted') {
      return { kind: 'deadline', detail: failure.detail };
    }
    if (failure.kind === 'unusable') {
      return { kind: 'unavailable', detail: failure.detail };
    }
    if (failure.kind === 'wait') {
      return { kind: 'throttled', detail: failure.detail };
    }
    if (failure.kind !== 'forbidden') {
      return { kind: failure.kind, detail: failure.detail };
    }
    // The next listing goes with a new token, which has the role if it was granted meanwhile.
    await tokens.renew().catch(() => undefined);
    return {
      kind: 'forbidden',
      detail: withGrants(`${failure.detail}. ${list.advice}`, tokens),
    };
  }

  /**
   * Whether the token lacks all of these roles. They may have been granted since it was issued, so a new one decides.
   */
  async function lacksRoles(roles: readonly string[]): Promise<boolean> {
    const lacks = async (token: () => Promise<string>) => {
      const claims = await token()
        .then(readTokenClaims)
        .catch(() => undefined);
      return claims !== undefined && !roles.some((role) => claims.roles.includes(role));
    };
    return (await lacks(() => tokens.get())) && lacks(() => tokens.renew());
  }

  /** Reads one window to its end, if the list goes that deep. */
  async function readWindow(
    { from, until }: Window,
    take: (batch: AlertBatch) => Promise<void>,
    signal: AbortSignal,
  ): Promise<{ calls: number; end: ListingEnd | { kind: 'too-deep' }; listedUntil: Date }> {
    let calls = 0;
    let hasMoved = false;
    let previous = new Set<string>();
    /** The page begins `skip` places after the first update at or after this time. */
    let listedUntil = from;
    let skip = 0;
    for (;;) {
      if (signal.aborted) {
        return { calls, end: { kind: 'deadline', detail: 'the time of this run is up' }, listedUntil };
      }
      if (skip + pageSize > deepest) {
        return { calls, end: { kind: 'too-deep' }, listedUntil };
      }
      const call = (token: string) => {
        calls += 1;
        return list.page({ since: listedUntil, until, top: pageSize, skip }, token, signal);
      };
      // Pages are few, and behind a line of look-ups the second would never come.
      const answer = await callApi(list.api, deps, { place: 'first', mayProbeCircuit: false, call }, signal);
      // The list was answered from its beginning, so the API refuses the depth and not the list.
      if (answer.kind === 'rejected' && skip > 0) {
        return { calls, end: { kind: 'too-deep' }, listedUntil };
      }
      if (answer.kind !== 'list') {
        return { calls, end: await endOf(answer), listedUntil };
      }

      const { entries, hasNextLink } = answer;
      if (entries.length === 0 && hasNextLink) {
        return { calls, end: emptyPage(list.service), listedUntil };
      }
      const alerts = entries.flatMap((entry) => list.read(entry) ?? []);
      const invalid = entries.length - alerts.length;
      const isSeen = (alert: ListedAlert) => previous.has(versionOf(alert));
      if (skip > 0 && !alerts.some(isSeen)) {
        hasMoved = true;
      }
      await take({ alerts: alerts.filter((alert) => !isSeen(alert) && !alert.isDeviceless), invalid });
      const isLast = entries.length < pageSize && !hasNextLink;
      if (isLast) {
        return { calls, end: hasMoved ? MOVED : { kind: 'complete' }, listedUntil };
      }
      previous = new Set(alerts.map(versionOf));
      const newest = list.isOrdered ? endOfOrdered(alerts) : undefined;
      if (newest !== undefined && newest > listedUntil) {
        listedUntil = newest;
        skip = 0;
      } else {
        skip += stepAfter(entries.length);
      }
    }
  }

  return {
    async listUpdatedSince(since, take, signal) {
      if (onlyWithRoles !== undefined && (await lacksRoles(onlyWithRoles))) {
        return { calls: 0, end: { kind: 'forbidden', detail: list.advice } };
      }
      let calls = 0;
      const windows: Window[] = [{ from: since, until: undefined }];
      for (let window = windows.pop(); window !== undefined; window = windows.pop()) {
        const read = await readWindow(window, take, signal);
        calls += read.calls;
        if (read.end.kind === 'too-deep') {
          const rest = { ...window, from: read.listedUntil };
          const middle = middleOf(rest, now());
          if (middle === undefined) {
            return { calls, end: TOO_MANY, listedUntil: rest.from };
          }
          windows.push({ from: middle, until: rest.until }, { from: rest.from, until: middle });
        } else if (read.end.kind !== 'complete') {
          return { calls, end: read.end, listedUntil: read.listedUntil };
        }
      }
      return { calls, end: { kind: 'complete' } };
    },
  };
}

/** The times of update from `from` up to but without `until`; without `until` it reaches to the newest update. */
interface Window {
  from: Date;
  until: Date | undefined;
}

/** The time of the last update of a page whose alerts come in the order of update; undefined for any other. */
function endOfOrdered(alerts: readonly ListedAlert[]): Date | undefined {
  const isOrdered = alerts.every(({ updatedAt }, index) => {
    const before = index === 0 ? updatedAt : alerts[index - 1]?.updatedAt;
    return updatedAt !== undefined && before !== undefined && before <= updatedAt;
  });
  return isOrdered ? alerts.at(-1)?.updatedAt : undefined;
}

/** Undefined for a window that is too short to be halved. */
function middleOf({ from, until }: Window, now: Date): Date | undefined {
  const halfMs = Math.floor(((until ?? now).getTime() - from.getTime()) / 2);
  return halfMs >= SHORTEST_WINDOW_MS ? new Date(from.getTime() + halfMs) : undefined;
}

const TOO_MANY: ListingEnd = {
  kind: 'rejected',
  detail: 'more alerts were updated within two seconds than the list can show',
};

const MOVED: ListingEnd = {
  kind: 'moved',
  detail: 'the list changed so much between two pages that alerts may have slipped past; it is read again',
};

/** An empty page names no place to go on from, and to ask for it again could go on for ever. */
function emptyPage(service: string): ListingEnd {
  return {
    kind: 'unavailable',
    detail: `${service} answered with an empty page that says more alerts follow`,
  };
}

/** Names an alert as of its last update: after another update it is another version. */
function versionOf({ alertId, updatedAt }: ListedAlert): string {
  return `${alertId} ${updatedAt?.toISOString()}`;
}
