import { percentile } from '../support/statistics.ts';
import type { Speed } from './normalize.ts';

/** One row a kind of work, each against the first. */
export function normalizeTable(speeds: readonly Speed[]): { head: string[]; rows: string[][] } {
  const medianOf = ({ perSecond }: Speed) => percentile(perSecond, 0.5);
  const floor = speeds[0] === undefined ? 0 : medianOf(speeds[0]);
  return {
    head: ['', 'machines per second', 'time per machine', '÷ floor'],
    rows: speeds.map((speed) => {
      const median = medianOf(speed);
      return [
        speed.name,
        median.toFixed(0),
        `${(1_000_000 / median).toFixed(0)} µs`,
        (floor / median).toFixed(1),
      ];
    }),
  };
}
