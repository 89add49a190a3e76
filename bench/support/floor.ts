import type { RateLimit } from '../../shared/config/rateLimits.ts';

/** How long the n-th call has to wait after the first one, at the least, if every limit is kept (milliseconds). */
export function floorMs(calls: number, limits: readonly RateLimit[]): number {
  const log: number[] = [];
  for (let call = 0; call < calls; call += 1) {
    const earliest = limits.map((limit) => (log[call - limit.calls] ?? -limit.windowMs) + limit.windowMs);
    log.push(Math.max(log.at(-1) ?? 0, ...earliest));
  }
  return log.at(-1) ?? 0;
}

/** How many calls the limits permit within a stretch of time. */
export function permittedCalls(stretchMs: number, limits: readonly RateLimit[]): number {
  let calls = 0;
  while (floorMs(calls + 1, limits) <= stretchMs) calls += 1;
  return calls;
}
