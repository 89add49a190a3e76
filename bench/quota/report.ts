import type { Measurement } from './scenario.ts';

const percent = (share: number) => `${(share * 100).toFixed(1)} %`;
const seconds = (milliseconds: number) => `${(milliseconds / 1_000).toFixed(0)} s`;

/** One row a figure, one column a run. */
export function quotaTable(measurements: readonly Measurement[]): { head: string[]; rows: string[][] } {
  const figures: [string, (measurement: Measurement) => string][] = [
    ['alerts', ({ alerts }) => String(alerts)],
    ['enriched', ({ enriched }) => String(enriched)],
    ['dead letters', ({ deadLetters }) => String(deadLetters)],
    ['neither when time was up', ({ left }) => String(left)],
    ['enrichments too many', ({ extraMessages }) => String(extraMessages)],
    [
      '429s ÷ calls',
      ({ throttled, calls }) => `${throttled} / ${calls} = ${percent(throttled / Math.max(1, calls))}`,
    ],
    [
      'time to drain ÷ floor',
      ({ drainMs, floorMs }) =>
        `${seconds(drainMs)} / ${seconds(floorMs)} = ${(drainMs / floorMs).toFixed(2)}`,
    ],
    ['calls made ÷ permitted', ({ callsMadeOfPermitted }) => percent(callsMadeOfPermitted)],
    ['mean fill of windows', ({ utilisation }) => pairs(utilisation, percent)],
    ['fullest window', ({ fullest }) => pairs(fullest, String)],
    ['ledger operations ÷ calls', ({ ledgerOperationsPerCall }) => ledgerOperationsPerCall.toFixed(2)],
    [
      'deferrals per alert, mean (most)',
      ({ deferralsPerAlert: { mean, most } }) => `${mean.toFixed(2)} (${most})`,
    ],
    ['deliveries per alert', ({ dequeuesPerAlert }) => dequeuesPerAlert.toFixed(2)],
    ['worker time per alert', ({ workerMsPerAlert }) => `${(workerMsPerAlert / 1_000).toFixed(1)} s`],
    ['age when done, p50 / p95', ({ ageMs: { p50, p95 } }) => `${seconds(p50)} / ${seconds(p95)}`],
    ['peak memory of a host', ({ peakMemoryMiB }) => `${peakMemoryMiB.toFixed(0)} MiB`],
    ['longest stall of the machine', ({ longestStallMs }) => `${longestStallMs.toFixed(0)} ms`],
  ];
  return {
    head: ['', ...measurements.map(({ scenario }) => scenario)],
    rows: figures.map(([name, value]) => [name, ...measurements.map(value)]),
  };
}

function pairs(values: Record<string, number>, show: (value: number) => string): string {
  return Object.entries(values)
    .filter(([, value]) => value > 0)
    .map(([name, value]) => `${name}: ${show(value)}`)
    .join(', ');
}
