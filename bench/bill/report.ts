import type { Bill, BillMeasurement } from './bill.ts';
import { meterCost, monthlyCost } from './cost.ts';
import { operationKinds } from './operations.ts';
import type { Meter } from './prices.ts';
import { operationsOfOneAlert, operationsPerAlert, straightPath } from './usage.ts';

/** The most operations that an alert may need on the straight way. */
const MOST_OPERATIONS = 6;
const MILLION = 1_000_000;
const MONTH_MS = 30 * 24 * 3_600_000;
const VOLUMES = [1_000, 10_000, 100_000, MILLION];

const count = (value: number) => Math.round(value).toLocaleString('en-US');

/** First what an alert asks of storage, then what a million use, then what a month costs. */
export function billTable({ prices, pollIntervalMs, measurements }: Bill): {
  head: string[];
  rows: string[][];
} {
  const money = (value: number) => `${value.toFixed(2)} ${prices.currency}`;
  const row = (name: string, value: (measurement: BillMeasurement) => string, note: string) => [
    name,
    ...measurements.map(value),
    note,
  ];
  const meters: [Meter, string, (units: number) => string][] = [
    ['executions', 'executions', count],
    ['gigabyteSeconds', 'GB-seconds', count],
    ['queueOperations', "queue operations, the producer's too", count],
    ['tableTransactions', 'table transactions', count],
    ['logGigabytes', 'log, GB', (units) => units.toFixed(1)],
  ];
  const { queueOperations, gigabyteSeconds } = prices.meters;
  const busyMonth = meterCost((MONTH_MS / 1_000) * prices.execution.instanceGigabytes, gigabyteSeconds);
  const idleMonth = meterCost(MONTH_MS / pollIntervalMs, queueOperations);
  return {
    head: ['', ...measurements.map(({ name }) => name), ''],
    rows: [
      ...straightPath.map((name) =>
        row(
          operationKinds[name].what,
          (measurement) => operationsPerAlert(measurement, name).toFixed(2),
          operationKinds[name].reason,
        ),
      ),
      row(
        'others',
        (measurement) =>
          (operationsPerAlert(measurement, 'other') + operationsPerAlert(measurement, 'submit')).toFixed(2),
        'second looks, renewed leases, messages put back',
      ),
      row(
        'operations per alert',
        (measurement) => operationsOfOneAlert(measurement).toFixed(2),
        `limit: ${MOST_OPERATIONS}; with the request that brought it`,
      ),
      row(
        'the same, without polls',
        (measurement) =>
          (operationsOfOneAlert(measurement) - operationsPerAlert(measurement, 'receive')).toFixed(2),
        'the host polls whether or not there are alerts',
      ),
      row('apart: empty polls', ({ emptyPolls }) => String(emptyPolls), 'as often as the poll delay says'),
      row(
        'apart: reports of the quota',
        ({ operations }) => String(operations.measureQueue),
        'two requests each, at most one a minute in a process',
      ),
      row(
        'apart: start of a process',
        ({ startOperations }) => startOperations.toFixed(0),
        'queues and tables that may be missing',
      ),
      ...meters.map(([meter, name, show]) =>
        row(
          `per million: ${name}`,
          ({ usagePerAlert }) => {
            const units = MILLION * usagePerAlert[meter];
            return `${show(units)} = ${money(meterCost(units, { ...prices.meters[meter], freePerMonth: 0 }))}`;
          },
          'without free grants',
        ),
      ),
      ...VOLUMES.map((alerts) =>
        row(
          `a month with ${count(alerts)} alerts`,
          ({ usagePerAlert }) => money(monthlyCost(alerts, usagePerAlert, prices)),
          'less free grants',
        ),
      ),
      row('one instance up all month', () => money(idleMonth), 'empty polls, on top'),
      row('one instance busy all month', () => money(busyMonth), 'the most that its execution time can cost'),
    ],
  };
}
