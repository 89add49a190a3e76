import type { RateLimit } from '../config/rateLimits.ts';

/** The share of each limit below which feedback never pushes the rate. */
export const LOWEST_RATE = 0.25;
/** The part of the rate that a 429 leaves (0 to 1). */
const RATE_AFTER_STRIKE = 0.7;
/** What each shortest window without a 429 gives back, as a share of the full limit. */
const RATE_RESTORED_PER_WINDOW = 0.1;

/** What 429s have done to the rate: its value right after the last one, and when that was (storage clock, ms). */
export interface RateStrike {
  rate: number;
  at: number;
}

/** The limit with the shortest window. */
export function shortestWindow(limits: readonly RateLimit[]): RateLimit {
  return limits.reduce((shortest, limit) => (limit.windowMs < shortest.windowMs ? limit : shortest));
}

/** The share of the limits (0 to 1) that is in use now: lowered by 429s, restored step by step while none comes. */
export function effectiveRate(strike: RateStrike | null, limits: readonly RateLimit[], now: number): number {
  if (strike === null) {
    return 1;
  }
  const windows = Math.max(0, now - strike.at) / shortestWindow(limits).windowMs;
  return Math.min(1, strike.rate + windows * RATE_RESTORED_PER_WINDOW);
}

/** When the rate will have risen by one more step (storage clock, ms); undefined when it is full. */
export function nextRateRise(
  strike: RateStrike | null,
  limits: readonly RateLimit[],
  now: number,
): number | undefined {
  return effectiveRate(strike, limits, now) >= 1 ? undefined : now + shortestWindow(limits).windowMs;
}

/**
 * The rate after one more 429 at `now`. Several 429s within a quarter of the shortest window count as one: their calls
 * were under way together.
 */
export function struck(strike: RateStrike | null, limits: readonly RateLimit[], now: number): RateStrike {
  const { windowMs } = shortestWindow(limits);
  if (strike !== null && now - strike.at < windowMs / 4) {
    return strike;
  }
  return { rate: Math.max(LOWEST_RATE, effectiveRate(strike, limits, now) * RATE_AFTER_STRIKE), at: now };
}

/** While there is a line, the calls of the shortest window are spread over this part of it. */
const SPREAD = 1 / 3;
/** The part of these calls that may go at one time. */
const CALLS_AT_A_TIME = 1 / 10;

/**
 * The limits to obey: each one's share. Below the full rate one more limit spaces single calls evenly, so that a burst
 * cannot run into another app's calls.
 */
export function effectiveLimits(limits: readonly RateLimit[], share: number, rate: number): RateLimit[] {
  const scaled = limits.map(({ calls, windowMs }) => ({
    calls: Math.max(1, Math.floor(calls * share * rate)),
    windowMs,
  }));
  if (rate >= 1) {
    return scaled;
  }
  const { calls, windowMs } = shortestWindow(scaled);
  return [...scaled, { calls: 1, windowMs: Math.ceil(windowMs / calls) }];
}

/**
 * The limits with one more that spreads a window's calls, for a line: its submissions then wake up paced, and few of
 * them need to be at hand at a time. It costs nothing in the long run, because every window's calls are as far apart
 * as the last one's.
 */
export function spreadLimits(limits: readonly RateLimit[]): RateLimit[] {
  const { calls, windowMs } = shortestWindow(limits);
  const atATime = Math.max(1, Math.floor(calls * CALLS_AT_A_TIME));
  return [...limits, { calls: atATime, windowMs: Math.floor((windowMs * SPREAD * atATime) / calls) }];
}
