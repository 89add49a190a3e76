import type { AlertRecord, AlertRecords } from '../pipeline/alertRecords.ts';
import { atMost } from '../promises.ts';

/** Watches the records of alerts for callers that wait: one reader for each alert, however many wait. */
export interface AlertWatch {
  /**
   * Waits until the record is as wanted, or until the signal aborts.
   * @returns The record as last read; a record read now when the signal has aborted before.
   * @throws When the storage service cannot be used.
   */
  until(
    alertId: string,
    isAsWanted: (record: AlertRecord | undefined) => boolean,
    signal: AbortSignal,
  ): Promise<AlertRecord | undefined>;
}

/** Shortest and longest time between two reads of a record (ms). It doubles after each read. */
const SHORTEST_INTERVAL_MS = 250;
const LONGEST_INTERVAL_MS = 2_000;
/**
 * Shortest time between two reads of a record for each alert that is watched (ms), so that all of them together are
 * read 100 times a second on average. The first read of each does not wait.
 */
const INTERVAL_PER_ALERT_MS = 10;
/** Most reads under way at a time. */
const READS_AT_ONCE = 32;

interface Waiter {
  isAsWanted(record: AlertRecord | undefined): boolean;
  signal: AbortSignal;
  resolve(record: AlertRecord | undefined): void;
  reject(error: unknown): void;
  giveUp(): void;
}

interface Watched {
  waiters: Set<Waiter>;
  /** The record as last read; undefined before the first time. */
  last?: { record: AlertRecord | undefined };
  intervalMs: number;
  timer?: NodeJS.Timeout;
}

/** Creates a watch. It reads each record at growing intervals while callers wait for it. */
export function createAlertWatch(records: Pick<AlertRecords, 'read'>): AlertWatch {
  const watched = new Map<string, Watched>();
  const limited = atMost(READS_AT_ONCE);

  function leave(alertId: string, watch: Watched, waiter: Waiter): void {
    watch.waiters.delete(waiter);
    waiter.signal.removeEventListener('abort', waiter.giveUp);
    if (watch.waiters.size > 0) {
      return;
    }
    clearTimeout(watch.timer);
    watched.delete(alertId);
  }

  async function look(alertId: string, watch: Watched): Promise<void> {
    try {
      const record = await limited(() => records.read(alertId));
      watch.last = { record };
      for (const waiter of [...watch.waiters]) {
        if (!waiter.signal.aborted && !waiter.isAsWanted(record)) {
          continue;
        }
        leave(alertId, watch, waiter);
        waiter.resolve(record);
      }
    } catch (error) {
      for (const waiter of [...watch.waiters]) {
        leave(alertId, watch, waiter);
        waiter.reject(error);
      }
    }
    if (watch.waiters.size === 0) {
      return;
    }
    const intervalMs = Math.max(watch.intervalMs, watched.size * INTERVAL_PER_ALERT_MS);
    watch.timer = setTimeout(() => void look(alertId, watch), intervalMs);
    watch.intervalMs = Math.min(LONGEST_INTERVAL_MS, watch.intervalMs * 2);
  }

  return {
    until(alertId, isAsWanted, signal) {
      if (signal.aborted) {
        return limited(() => records.read(alertId));
      }
      return new Promise((resolve, reject) => {
        const known = watched.get(alertId);
        const watch: Watched = known ?? { waiters: new Set(), intervalMs: SHORTEST_INTERVAL_MS };
        const waiter: Waiter = {
          isAsWanted,
          signal,
          resolve,
          reject,
          giveUp() {
            // A caller with little time still learns the state of the record.
            if (watch.last === undefined) {
              return;
            }
            leave(alertId, watch, waiter);
            resolve(watch.last.record);
          },
        };
        if (watch.last !== undefined && isAsWanted(watch.last.record)) {
          resolve(watch.last.record);
          return;
        }
        watch.waiters.add(waiter);
        signal.addEventListener('abort', waiter.giveUp, { once: true });
        if (known !== undefined) {
          return;
        }
        watched.set(alertId, watch);
        void look(alertId, watch);
      });
    },
  };
}
