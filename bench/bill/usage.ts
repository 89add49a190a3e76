import type { BillMeasurement } from './bill.ts';
import type { Usage } from './cost.ts';
import { type OperationName, operationKinds } from './operations.ts';
import type { Prices } from './prices.ts';

type Measured = Omit<BillMeasurement, 'usagePerAlert'>;

/** What an alert needs on its straight way, in the order in which it needs it. */
export const straightPath: readonly OperationName[] = [
  'receive',
  'claim',
  'ledgerRead',
  'ledgerWrite',
  'store',
  'publish',
  'mark',
  'settle',
];

/** Requests of this kind for each alert, without those that others cause: empty polls, and reports of the quota. */
export function operationsPerAlert(
  { operations, emptyPolls, alerts }: Pick<Measured, 'operations' | 'emptyPolls' | 'alerts'>,
  name: OperationName | 'other',
): number {
  // A report reads the ledger and the length of the queue.
  const ofOthers = { receive: emptyPolls, ledgerRead: operations.measureQueue, submit: alerts };
  const apart = name in ofOthers ? ofOthers[name as keyof typeof ofOthers] : 0;
  return (operations[name] - apart) / alerts;
}

/** The straight way and what else it asked of storage, such as a second look or a renewed lease. */
export function operationsOfOneAlert(measured: Parameters<typeof operationsPerAlert>[0]): number {
  return [...straightPath, 'submit' as const, 'other' as const].reduce(
    (sum, name) => sum + operationsPerAlert(measured, name),
    0,
  );
}

/** What one alert uses on each meter; the producer's message is among the operations. */
export function usagePerAlert(measured: Measured, { execution, log }: Prices): Usage {
  const { alerts, executions, logBytes } = measured;
  const ofService = (service: 'queue' | 'table') =>
    straightPath
      .filter((name) => operationKinds[name].service === service)
      .reduce((sum, name) => sum + operationsPerAlert(measured, name), 0);
  const executionsPerAlert = executions / alerts;
  return {
    executions: executionsPerAlert,
    gigabyteSeconds: (measured.billedMs / alerts / 1_000) * execution.instanceGigabytes,
    queueOperations: ofService('queue') + measured.operations.submit / alerts,
    tableTransactions: ofService('table'),
    logGigabytes:
      (logBytes / alerts + executionsPerAlert * log.recordsPerExecution * log.bytesPerRecord) / 1e9,
  };
}
