import { expect, test } from 'vitest';
import { costIn } from '#bench/path/measured.ts';
import { type Cost, createMeter } from '#bench/path/meter.ts';
import { createOperationCount } from '#bench/path/operations.ts';
import { pathTable } from '#bench/path/report.ts';

test('a meter measures between the last alert of the warm-up and the last one measured', () => {
  let alert = 0;
  const results: Cost[] = [];
  const gauges = { now: () => alert * 10, cpuMs: () => alert * 3 };
  const onDone = createMeter({ warmUp: 5, measured: 20 }, gauges, (cost) => results.push(cost));
  for (alert = 1; alert <= 40; alert += 1) {
    onDone();
  }
  expect(results).toEqual([{ alerts: 20, elapsedMs: 200, cpuMs: 60 }]);
});

test('a result is found among the lines of the app', () => {
  const cost = { alerts: 20, elapsedMs: 200.5, cpuMs: 60 };
  expect(costIn(JSON.stringify(cost))).toEqual(cost);
  expect(costIn('2026-11-23T15:00:00.000Z information enrichAlert: {"event":"submission"}')).toBeUndefined();
});

test('operations are counted from the access log, those on the ledger apart, and anew after each look', () => {
  const operations = createOperationCount();
  for (const request of [
    "GET /account/State7(PartitionKey='a',RowKey='ledger')",
    "PUT /account/State7(PartitionKey='a',RowKey='ledger')",
    'POST /account/State7',
    'POST /account/Enrichments7',
    'DELETE /account/alerts-7/messages/1',
  ]) {
    operations.hear(`127.0.0.1 - - [23/Nov/2026:15:00:00 +0000] "${request} HTTP/1.1" 204 -`);
  }
  expect(operations.take()).toEqual({ all: 5, ledgerReads: 1, ledgerWrites: 2 });
  expect(operations.take()).toEqual({ all: 0, ledgerReads: 0, ledgerWrites: 0 });
});

test('the table compares the medians of the runs', () => {
  const runOf = (elapsedMs: number, cpuMs: number) => ({
    alerts: 100,
    elapsedMs,
    cpuMs,
    storageOperationsPerAlert: 6,
  });
  const { rows } = pathTable({
    floor: [runOf(1_000, 200), runOf(9_000, 900), runOf(500, 100)],
    app: [runOf(1_250, 300), runOf(1_000, 250), runOf(8_000, 800)],
  });
  expect(rows).toEqual([
    ['alerts per second', '100', '80', '0.80'],
    ['processor time per alert', '2.00 ms', '3.00 ms', '1.50'],
    ['share of a processor in use', '0.20', '0.24', '1.20'],
    ['storage operations per alert', '6.00', '6.00', '1.00'],
  ]);
});
