import type { OutbreakMeasurement } from './outbreak.ts';

/** 100 calls in the first minute of each hour and so on: 1,500 an hour is what binds. */
const SINGLE_ALERTS_AN_HOUR = { defender: 1_500, graph: 7_200 };

/** One row a run, beside the time that one call an alert would take. */
export function outbreakTable(measurements: readonly OutbreakMeasurement[]): {
  head: string[];
  rows: string[][];
} {
  return {
    head: [
      '',
      'alerts',
      'devices',
      'time',
      'one by one',
      'calls',
      'by route',
      '429s',
      'missing',
      'extra',
      'wrong device',
      'storage operations an alert',
      'memory of a host',
    ],
    rows: measurements.map((run) => [
      `${run.source}, ${run.hosts} host${run.hosts === 1 ? '' : 's'}`,
      String(run.alerts),
      String(run.devices),
      minutes(run.durationMs),
      minutes((run.alerts / SINGLE_ALERTS_AN_HOUR[run.source]) * 3_600_000),
      String(run.calls),
      Object.entries(run.routes)
        .map(([route, calls]) => `${route} ${calls}`)
        .join(', '),
      String(run.throttled),
      String(run.missing),
      String(run.extra),
      String(run.wrongDevices),
      (run.storageOperations / run.alerts).toFixed(1),
      `${Math.round(run.peakMemoryMiB)} MiB`,
    ]),
  };
}

function minutes(milliseconds: number): string {
  const seconds = Math.round(milliseconds / 1_000);
  return seconds < 600 ? `${seconds} s` : `${Math.round(seconds / 60)} min`;
}
