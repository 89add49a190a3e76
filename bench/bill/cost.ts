import type { Meter, Prices } from './prices.ts';

/** How many units of each meter. */
export type Usage = Record<Meter, number>;

/** What the usage of a month costs on one meter, beyond the free grant. */
export function meterCost(units: number, { price, per, freePerMonth }: Prices['meters'][Meter]): number {
  return (Math.max(0, units - freePerMonth) / per) * price;
}

/** What so many alerts in a month cost. */
export function monthlyCost(alerts: number, perAlert: Usage, prices: Prices): number {
  return (Object.keys(perAlert) as Meter[]).reduce(
    (sum, name) => sum + meterCost(alerts * perAlert[name], prices.meters[name]),
    0,
  );
}

/** A time in which a function ran, in milliseconds. */
export interface Stretch {
  from: number;
  to: number;
}

/**
 * For how long an instance is billed: while at least one of its executions is under way, however many they are. Each
 * such period counts for the least period at least, and in steps beyond that.
 */
export function billedMs(
  stretches: readonly Stretch[],
  { leastBilledMs, billedStepMs }: Prices['execution'],
): number {
  return periodsOf(stretches).reduce((sum, { from, to }) => {
    return sum + Math.max(leastBilledMs, Math.ceil((to - from) / billedStepMs) * billedStepMs);
  }, 0);
}

/** The stretches with those made one that overlap or touch. */
function periodsOf(stretches: readonly Stretch[]): Stretch[] {
  const periods: Stretch[] = [];
  for (const { from, to } of stretches.toSorted((left, right) => left.from - right.from)) {
    const last = periods.at(-1);
    if (last !== undefined && from <= last.to) {
      last.to = Math.max(last.to, to);
    } else {
      periods.push({ from, to });
    }
  }
  return periods;
}
