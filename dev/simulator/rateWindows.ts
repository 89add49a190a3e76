/** So many calls in each window of so many milliseconds. */
export interface RateLimit {
  calls: number;
  windowMs: number;
}

/** `sliding`: every window position counts. `fixed`: windows start at multiples of their length since 1970. */
export type WindowKind = 'sliding' | 'fixed';

/** The limit that a call would break, and how long it would have to wait for all limits to allow it. */
export interface Refusal {
  limit: RateLimit;
  waitMs: number;
}

/** Counts accepted calls against several limits at once. Times are milliseconds and must not go backwards. */
export interface RateWindows {
  /** Says why a call at `now` would be refused; undefined when it would be accepted. Counts nothing. */
  check(now: number): Refusal | undefined;
  /** Counts an accepted call. */
  record(now: number): void;
}

/** Starts with empty windows. */
export function createRateWindows(limits: readonly RateLimit[], kind: WindowKind): RateWindows {
  const windows = limits.map((limit) => (kind === 'sliding' ? slidingWindow(limit) : fixedWindow(limit)));
  return {
    check(now) {
      return windows
        .map((window) => ({ limit: window.limit, waitMs: window.waitMs(now) }))
        .filter((refusal) => refusal.waitMs > 0)
        .toSorted((left, right) => right.waitMs - left.waitMs)
        .at(0);
    },
    record(now) {
      for (const window of windows) {
        window.record(now);
      }
    },
  };
}

interface Window {
  readonly limit: RateLimit;
  /** 0 when a call at `now` fits. */
  waitMs(now: number): number;
  record(now: number): void;
}

function slidingWindow(limit: RateLimit): Window {
  /** The times of the last `limit.calls` calls, as a ring: the oldest is the one that must have left the window. */
  const times = new Array<number>(limit.calls).fill(Number.NEGATIVE_INFINITY);
  let oldest = 0;
  return {
    limit,
    waitMs: (now) => Math.max(0, (times[oldest] as number) + limit.windowMs - now),
    record(now) {
      times[oldest] = now;
      oldest = (oldest + 1) % limit.calls;
    },
  };
}

function fixedWindow(limit: RateLimit): Window {
  let start = Number.NEGATIVE_INFINITY;
  let count = 0;
  const startOf = (now: number) => Math.floor(now / limit.windowMs) * limit.windowMs;
  return {
    limit,
    waitMs: (now) => (startOf(now) === start && count >= limit.calls ? start + limit.windowMs - now : 0),
    record(now) {
      if (startOf(now) !== start) {
        start = startOf(now);
        count = 0;
      }
      count += 1;
    },
  };
}
