import type { RateLimit } from '#shared/config/rateLimits.ts';
import { floorMs } from '../support/floor.ts';
import type { Scenario } from './scenario.ts';

/**
 * Two limits as the real ones are, scaled down so that a backlog of twice the longer window drains in about three
 * minutes. The shorter window stays long against what does not scale: polling, and delays in whole seconds.
 */
const LIMITS: readonly RateLimit[] = [
  { calls: 200, windowMs: 12_000 },
  { calls: 1_500, windowMs: 90_000 },
];

/** A run may take this much longer than the least that the limits allow before it counts as stalled. */
const PATIENCE = 1.5;

function scenario(
  name: string,
  alerts: number,
  rest: Partial<Scenario> & { timeLimitMs?: number } = {},
): Scenario {
  const timeLimitMs = floorMs(alerts, LIMITS) * PATIENCE + 20_000;
  return { name, app: 'product', alerts, hosts: 4, limits: LIMITS, timeLimitMs, ...rest };
}

const FEW = 900;

/** The least that fills both windows: when all sections run, the others would take too long. */
export const brief = scenario('in brief', 1_600);

export const scenarios: readonly Scenario[] = [
  scenario('saturated', 3_000),
  scenario('noisy neighbour', FEW, { neighbourShare: 0.5, timeLimitMs: 240_000 }),
  scenario('fixed windows', FEW, { windows: 'fixed' }),
  scenario('a clock 2 s ahead', FEW, { clockAheadMs: 2_000 }),
  scenario('2 of 4 killed', FEW, { kill: { hosts: 2, afterMs: 15_000 } }),
  scenario('baseline: throw', FEW, { app: 'plain' }),
  scenario('baseline: sleep', 2_000, { app: 'sleeping' }),
];
