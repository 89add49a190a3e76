import { percentile } from '../support/statistics.ts';
import type { IdleMeasurement } from './idle.ts';

/** What may come on top of the poll interval. */
const ALLOWANCE_MS = 250;

const milliseconds = (value: number) => `${value.toFixed(0)} ms`;

/** One row for the whole way, and one for the function's part of it. */
export function idleTable({ pollIntervalMs, latenciesMs, functionMs }: IdleMeasurement): {
  head: string[];
  rows: string[][];
} {
  const row = (name: string, values: readonly number[], limit: string) => [
    name,
    String(values.length),
    ...[0.5, 0.95].map((share) => milliseconds(percentile(values, share))),
    milliseconds(Math.max(0, ...values)),
    limit,
  ];
  return {
    head: ['less the API call', 'alerts', 'p50', 'p95', 'longest', 'limit of p95'],
    rows: [
      row(
        'enqueued to published',
        latenciesMs,
        `${pollIntervalMs} + ${ALLOWANCE_MS} = ${milliseconds(pollIntervalMs + ALLOWANCE_MS)}`,
      ),
      row('of that, the function', functionMs, ''),
    ],
  };
}
