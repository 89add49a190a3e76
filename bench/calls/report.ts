import type { CallsMeasurement, CallsScenario } from './calls.ts';

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
    rows: measurements.map(({ messages, alerts, calls, missing, extra, durationMs, ...scenario }) => [
      nameOf(scenario),
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

function nameOf({ app, repeats, source, alertsPerDevice }: Omit<CallsScenario, 'messages'>): string {
  if (source === 'graph') {
    return `product by Graph, ${alertsPerDevice} alert${alertsPerDevice === 1 ? '' : 's'} a device`;
  }
  return `${app === 'plain' ? 'baseline: asks each time' : 'product'}, ${Math.round(repeats * 100)} % repeats`;
}
