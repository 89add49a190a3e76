import { parseDuration } from './setting.ts';

/** At most `calls` calls in any stretch of `windowMs` milliseconds. */
export interface RateLimit {
  calls: number;
  windowMs: number;
}

/** The ledger keeps every call of the longest window in one table row, which has room for more than twice as many. */
export const MOST_CALLS = 50_000;

const RATE_LIMIT = /^([1-9]\d*)\/(\w+)$/;

/** The limits of a list such as `100/1m,1500/1h`, in its order; undefined when any part of it is not a limit. */
export function parseRateLimits(text: string): RateLimit[] | undefined {
  const limits = text.split(',').map((part) => parseRateLimit(part.trim()));
  return limits.every((limit) => limit !== undefined) ? limits : undefined;
}

function parseRateLimit(text: string): RateLimit | undefined {
  const [, calls, window] = RATE_LIMIT.exec(text) ?? [];
  if (calls === undefined || window === undefined) {
    return undefined;
  }
  const limit = { calls: Number(calls), windowMs: parseDuration(window) };
  if (limit.calls > MOST_CALLS || !limit.windowMs) {
    return undefined;
  }
  return { calls: limit.calls, windowMs: limit.windowMs };
}
