import { withinTime } from '../promises.ts';
import { type AlertDevice, type AlertLists, covers, type ListPart, type Wanted } from './alertList.ts';
import type { Kept } from './source.ts';

/** What lists of alerts have told: which device an alert is about. One list answers for thousands of alerts. */
export interface AlertIndex {
  /** What lists have told of the alert, if one has; without a device where they contradict each other. */
  known(alertId: string): Kept<AlertDevice> | undefined;
  /**
   * What lists tell of the alert, for which one may be made. Undefined when no list has it, or none can be made.
   * @param firstSeen When the alert was submitted: it was raised before.
   */
  find(alertId: string, firstSeen: Date, signal: AbortSignal): Promise<Kept<AlertDevice> | undefined>;
  /** The devices of all alerts that lists have shown, in no particular order, as received. */
  deviceIds(): Iterable<string>;
}

/** From this many alerts that no list covers a list is made; fewer are looked up one by one. */
const WORTH_A_LIST = 8;
/** How long the first alert waits for others that want a list (ms): those of a backlog come one after the other. */
const GATHER_MS = 600;
/** Longest wait of an alert for a list (ms); then it is looked up by itself. */
const LONGEST_WAIT_MS = 90_000;
/** How long an alert is remembered (ms), twice as long as one list spans. One that waits longer is looked up by itself. */
const LONGEST_MEMORY_MS = 12 * 3_600_000;
/** Most alerts that are remembered, the newest ones. */
const MOST_REMEMBERED = 50_000;

/** What the index is doing about alerts that no list covers. */
type Work =
  | { kind: 'nothing' }
  /** Alerts gather. `done` tells whether a list was made; false when they were too few. */
  | { kind: 'gathering'; wanted: Wanted; count: number; enough: () => void; done: Promise<boolean> }
  | { kind: 'listing'; done: Promise<boolean> }
  /** No list can be had before `until`. */
  | { kind: 'resting'; until: number };

/** Remembers what lists tell, and has one made when enough alerts want it. */
export function createAlertIndex(lists: AlertLists, now: () => Date): AlertIndex {
  const alerts = new Map<string, Kept<AlertDevice> & { isDoubtful: boolean }>();
  let covered: { from: Date; until: Date } | undefined;
  let work: Work = { kind: 'nothing' };

  function remember({ listedAt, alerts: listed }: ListPart): void {
    for (const alert of listed) {
      const { alertId, machineId } = alert;
      const before = alerts.get(alertId);
      const deviceBefore = before?.part.machineId;
      // Two lists name different devices: neither is trusted, for good. An alert may get its device later.
      const isDoubtful = before?.isDoubtful || (deviceBefore !== undefined && deviceBefore !== machineId);
      const part = isDoubtful ? { alertId, machineId: undefined } : alert;
      alerts.delete(alertId);
      alerts.set(alertId, { part, retrievedAt: listedAt, isDoubtful });
    }
    const oldest = listedAt.getTime() - LONGEST_MEMORY_MS;
    for (const [alertId, { retrievedAt }] of alerts) {
      if (alerts.size <= MOST_REMEMBERED && retrievedAt.getTime() >= oldest) {
        break;
      }
      alerts.delete(alertId);
    }
  }

  /** Waits until enough alerts want a list, and then makes one for all of them. */
  async function gather(wanted: Wanted, isEnough: Promise<true>): Promise<boolean> {
    if (!(await withinTime<boolean>(isEnough, GATHER_MS, () => false))) {
      work = { kind: 'nothing' };
      return false;
    }
    work = work.kind === 'gathering' ? { kind: 'listing', done: work.done } : work;
    try {
      work = await list(wanted);
      return true;
    } catch (error) {
      work = { kind: 'nothing' };
      throw error;
    }
  }

  async function list(wanted: Wanted): Promise<Work> {
    const listing = await lists.list(wanted, remember);
    if (listing.kind === 'resting') {
      return { kind: 'resting', until: listing.until.getTime() };
    }
    covered = listing.list;
    return { kind: 'nothing' };
  }

  function join(firstSeen: number): Promise<boolean> {
    if (work.kind === 'listing') {
      return work.done;
    }
    if (work.kind !== 'gathering') {
      const wanted = { earliest: firstSeen, latest: firstSeen };
      const { promise, resolve } = Promise.withResolvers<true>();
      const enough = () => resolve(true);
      work = { kind: 'gathering', wanted, count: 0, enough, done: gather(wanted, promise) };
    }
    work.count += 1;
    work.wanted.earliest = Math.min(work.wanted.earliest, firstSeen);
    work.wanted.latest = Math.max(work.wanted.latest, firstSeen);
    if (work.count >= WORTH_A_LIST) {
      work.enough();
    }
    return work.done;
  }

  return {
    known: (alertId) => alerts.get(alertId),
    *deviceIds() {
      for (const { part } of alerts.values()) {
        if (part.machineId !== undefined) {
          yield part.machineId;
        }
      }
    },
    async find(alertId, firstSeen, signal) {
      const time = firstSeen.getTime();
      const isUncovered = () =>
        !alerts.has(alertId) &&
        !covers(covered, { earliest: time, latest: time }) &&
        !(work.kind === 'resting' && now().getTime() < work.until) &&
        !signal.aborted;
      // A list that is under way may be older than this alert: then it waits for the next one.
      let mayWait = true;
      for (let round = 0; round < 2 && mayWait && isUncovered(); round += 1) {
        const isOver = new Promise<false>((resolve) => {
          signal.addEventListener('abort', () => resolve(false), { once: true });
        });
        mayWait = await withinTime(Promise.race([join(time), isOver]), LONGEST_WAIT_MS, () => false);
      }
      return alerts.get(alertId);
    },
  };
}
