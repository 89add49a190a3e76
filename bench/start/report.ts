import { percentile } from '../support/statistics.ts';
import { ALL_AT_ONCE, type StartTimes } from './measure.ts';

/** One row a way to start, each against bare node; what is ours also against the same without bundling. */
export function startTable(starts: readonly StartTimes[]): { head: string[]; rows: string[][] } {
  const medians = new Map(starts.map(({ name, milliseconds }) => [name, percentile(milliseconds, 0.5)]));
  const against = (name: string, other: string) => {
    const floor = medians.get(other);
    return floor === undefined ? '' : ((medians.get(name) ?? 0) / floor).toFixed(2);
  };
  return {
    head: ['', 'median', 'fastest', '÷ bare node', '÷ unbundled', '÷ all at once'],
    rows: starts.map(({ name, milliseconds }) => [
      name,
      `${(medians.get(name) ?? 0).toFixed(0)} ms`,
      `${Math.min(...milliseconds).toFixed(0)} ms`,
      against(name, 'bare node'),
      name.startsWith('bundle') ? against(name, name.replace('bundle', 'unbundled')) : '',
      name === 'bundle' ? against(name, ALL_AT_ONCE) : '',
    ]),
  };
}
