import type { RateLimit } from '#shared/config/rateLimits.ts';

/** When each call can be made at the earliest if every limit is kept, the first one at 0 (milliseconds). */
function earliestCalls(calls: number, limits: readonly RateLimit[]): number[] {
  const log: number[] = [];
  for (let call = 0; call < calls; call += 1) {
    const allowed = limits.map((limit) => (log[call - limit.calls] ?? -limit.windowMs) + limit.windowMs);
    log.push(Math.max(log.at(-1) ?? 0, ...allowed));
  }
  return log;
}

/** How long the last of so many calls has to wait after the first one, at the least (milliseconds). */
export function floorMs(calls: number, limits: readonly RateLimit[]): number {
  return earliestCalls(calls, limits).at(-1) ?? 0;
}

/** How many calls the limits permit within a stretch of time. */
export function permittedCalls(stretchMs: number, limits: readonly RateLimit[]): number {
  const most = Math.min(
    ...limits.map(({ calls, windowMs }) => calls * (Math.floor(stretchMs / windowMs) + 1)),
  );
  return earliestCalls(most, limits).filter((time) => time <= stretchMs).length;
}
