import { withinTime } from '../promises.ts';
import type { AlertFeed, ListedAlert } from './source.ts';

/** From so many look-ups at the same time in a process on, lists take fewer calls than the alerts would. */
const CROWD = 8;
/** So long after a crowd, the next alerts are taken for a part of it: answers from lists are quick. */
const AFTER_CROWD_MS = 60_000;

/** Alerts of a crowd come one after the other: so long they gather, to share a call. */
export const GATHER_MS = 600;

/** Counts look-ups under way, and says whether they are many. */
export interface Crowd {
  isMany(): boolean;
  /** Runs one look-up as a part of the crowd. */
  join<T>(lookUp: () => Promise<T>): Promise<T>;
}

export function createCrowd(now: () => Date): Crowd {
  let underWay = 0;
  let manyUntil = Number.NEGATIVE_INFINITY;
  return {
    isMany: () => now().getTime() < manyUntil,
    async join(lookUp) {
      underWay += 1;
      if (underWay >= CROWD) {
        manyUntil = now().getTime() + AFTER_CROWD_MS;
      }
      try {
        return await lookUp();
      } finally {
        underWay -= 1;
      }
    },
  };
}

/** What lists of alerts have told: which device an alert is about. One list answers for hundreds of alerts. */
export interface AlertIndex {
  /**
   * The alert as a list shows it; undefined when no list has it, or none can be had.
   * @param firstSeen When the alert was submitted: it was raised before.
   */
  find(alertId: string, firstSeen: Date, signal: AbortSignal): Promise<ListedAlert | undefined>;
}

/** An alert that was submitted was updated so long before at most, or it goes the single way. */
const LEAD_MS = 3_600_000;
/** A listing goes on where the last one ended, and a little before: the list may lag. */
const OVERLAP_MS = 120_000;
/** A listing that takes longer ends; what it has told until then counts. */
const LONGEST_LISTING_MS = 60_000;
/** After one that brought nothing the next begins no earlier; after one that lacks the role much later. */
const RETRY_MS = 30_000;
const RETRY_ROLE_MS = 600_000;
/** So many alerts that no list has are worth a list of what came since the last one; fewer go the single way. */
const MISSES = 8;
/** So many alerts are remembered, the newest. */
const MOST_REMEMBERED = 50_000;

export function createAlertIndex(feed: AlertFeed, now: () => Date): AlertIndex {
  const alerts = new Map<string, ListedAlert>();
  /** What listings have covered: all alerts that were updated in this time, as of its end. */
  let covered: { from: number; until: number } | undefined;
  let notBefore = Number.NEGATIVE_INFINITY;
  let underWay: Promise<void> | undefined;
  /** Alerts since the last listing that it did not have. */
  let misses = 0;

  function remember(listed: readonly ListedAlert[]): void {
    for (const alert of listed) {
      alerts.delete(alert.alertId);
      alerts.set(alert.alertId, alert);
    }
    for (const alertId of alerts.keys()) {
      if (alerts.size <= MOST_REMEMBERED) {
        break;
      }
      alerts.delete(alertId);
    }
  }

  async function list(from: number): Promise<void> {
    misses = 0;
    const startedAt = now().getTime();
    const goesOn = covered !== undefined && covered.from <= from;
    const since = goesOn && covered !== undefined ? covered.until - OVERLAP_MS : from;
    const take = async (batch: { alerts: ListedAlert[] }) => remember(batch.alerts);
    const signal = AbortSignal.timeout(LONGEST_LISTING_MS);
    const { end } = await feed.listUpdatedSince(new Date(since), take, signal);
    if (end.kind === 'complete' || end.kind === 'moved') {
      covered = { from: Math.min(from, covered?.from ?? from), until: startedAt };
      return;
    }
    notBefore = now().getTime() + (end.kind === 'forbidden' ? RETRY_ROLE_MS : RETRY_MS);
  }

  return {
    async find(alertId, firstSeen, signal) {
      const listed = alerts.get(alertId);
      if (listed !== undefined) {
        return listed;
      }
      const from = firstSeen.getTime() - LEAD_MS;
      const isCovered = covered !== undefined && covered.from <= from && covered.until >= firstSeen.getTime();
      if (isCovered || now().getTime() < notBefore || signal.aborted) {
        return undefined;
      }
      misses += 1;
      if (underWay === undefined && covered !== undefined && misses < MISSES) {
        return undefined;
      }
      underWay ??= list(from).finally(() => {
        underWay = undefined;
      });
      await withinTime(underWay, LONGEST_LISTING_MS * 1.5, () => undefined);
      return alerts.get(alertId);
    },
  };
}
