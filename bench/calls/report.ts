import type { CallsMeasurement } from './calls.ts';

/** One row a stream. */
export function callsTable(measurements: readonly CallsMeasurement[]): { head: string[]; rows: string[][] } {
  return {
    head: [
      '',
      'messages',
      'alerts',
      'calls',
      'calls ÷ messages',
      'calls ÷ floor',
      'missing',
      'extra',
      'time',
    ],
    rows: measurements.map(({ app, messages, repeats, alerts, calls, missing, extra, durationMs }) => [
      `${app === 'plain' ? 'baseline: asks each time' : 'product'}, ${Math.round(repeats * 100)} % repeats`,
      String(messages),
      String(alerts),
      String(calls),
      (calls / messages).toFixed(2),
      (calls / alerts).toFixed(2),
      String(missing),
      String(extra),
      `${(durationMs / 1_000).toFixed(0)} s`,
    ]),
  };
}
