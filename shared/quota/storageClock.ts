/**
 * The storage service's clock, seen through the `Date` headers of its answers. All processes read this one clock, so
 * their own clocks may differ: a time that one writes into the ledger means the same to the others.
 *
 * A `Date` header has whole seconds, but each answer confines the difference to our clock to an interval: the service
 * wrote it between the request and the answer, and within the second that it names. The intersection of the intervals
 * of many answers narrows down to milliseconds.
 */
export interface StorageClock {
  /** Whole milliseconds since the epoch on the storage service's clock, as well as known. */
  now(): number;
  /** Takes note of an answer: our time when the request left and when the answer came, and its `Date` header. */
  observe(sentAt: number, receivedAt: number, dateHeader: string | undefined): void;
}

/** How fast two clocks may drift apart: 200 parts per million, more than any hardware clock does. */
const DRIFT_PER_MS = 0.0002;

interface Interval {
  lowest: number;
  highest: number;
  at: number;
}

/**
 * Estimates the storage service's clock from the `Date` headers of its answers.
 * @param localNow Milliseconds of this machine's clock.
 */
export function createStorageClock(localNow: () => number): StorageClock {
  let known: Interval | undefined;

  return {
    now: () => Math.floor(localNow() + (known === undefined ? 0 : offsetOf(known))),
    observe(sentAt, receivedAt, dateHeader) {
      const second = Date.parse(dateHeader ?? '');
      if (Number.isNaN(second)) {
        return;
      }
      const seen = { lowest: second - receivedAt, highest: second + 999 - sentAt, at: receivedAt };
      known = known === undefined ? seen : intersect(widen(known, receivedAt), seen);
    },
  };
}

/** The difference to our clock (ms): zero if the interval allows it, else the middle of the interval. */
function offsetOf({ lowest, highest }: Interval): number {
  return lowest <= 0 && highest >= 0 ? 0 : (lowest + highest) / 2;
}

function widen(interval: Interval, at: number): Interval {
  const drift = Math.max(0, at - interval.at) * DRIFT_PER_MS;
  return { lowest: interval.lowest - drift, highest: interval.highest + drift, at };
}

/** Intervals that do not meet mean that a clock was set: only the newer one counts then. */
function intersect(known: Interval, seen: Interval): Interval {
  const lowest = Math.max(known.lowest, seen.lowest);
  const highest = Math.min(known.highest, seen.highest);
  return lowest > highest ? seen : { lowest, highest, at: seen.at };
}
