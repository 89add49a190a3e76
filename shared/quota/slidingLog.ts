import type { RateLimit } from '../config/rateLimits.ts';

/**
 * The arithmetic of an exact sliding log: reserved call times in ascending order (milliseconds), of which no window of
 * any limit, wherever it begins, may hold more than the limit's calls. A server that counts in fixed windows is
 * satisfied by the same log, because a fixed window is one of the sliding ones.
 */
export type CallLog = readonly number[];

/**
 * How much longer than its window a limit is kept, so that calls which reach the server a little later than reserved
 * do not crowd the calls one window on: 1 % of the window, at most a second. Calls that take longer are booked anew.
 */
export function safetyMarginMs(windowMs: number): number {
  return Math.min(1_000, windowMs * 0.01);
}

/** Since when one more call would keep every limit (ms); -Infinity when no limit was ever in the way. */
export function allowedSince(log: CallLog, limits: readonly RateLimit[]): number {
  return Math.max(
    Number.NEGATIVE_INFINITY,
    ...limits.map(({ calls, windowMs }) => {
      const first = log[log.length - calls];
      return first === undefined ? Number.NEGATIVE_INFINITY : first + windowMs + safetyMarginMs(windowMs);
    }),
  );
}

/**
 * The earliest time (ms) at which one more call keeps every limit, not before `from` nor before the last reservation.
 */
export function nextSlot(log: CallLog, limits: readonly RateLimit[], from: number): number {
  return Math.ceil(Math.max(from, log.at(-1) ?? from, allowedSince(log, limits)));
}

/** The next `count` slots, each reserved before the next is sought. */
export function nextSlots(log: CallLog, limits: readonly RateLimit[], from: number, count: number): number[] {
  const extended = [...log];
  for (let taken = 0; taken < count; taken += 1) {
    extended.push(nextSlot(extended, limits, from));
  }
  return extended.slice(log.length);
}

/** The log without the calls that no limit counts any more at `now`. */
export function trimLog(log: CallLog, limits: readonly RateLimit[], now: number): number[] {
  const longestMs = Math.max(...limits.map(({ windowMs }) => windowMs + safetyMarginMs(windowMs)));
  const firstKept = log.findIndex((time) => time > now - longestMs);
  return firstKept < 0 ? [] : log.slice(firstKept);
}

/** How many calls of the window that ends at `now` are spent, reservations for the future included. */
export function callsInWindow(log: CallLog, windowMs: number, now: number): number {
  const first = log.findIndex((time) => time > now - windowMs);
  return first < 0 ? 0 : log.length - first;
}
