import { describe, expect, test } from 'vitest';
import { billedMs, meterCost, monthlyCost } from '#bench/bill/cost.ts';
import { countOperations, operationIn } from '#bench/bill/operations.ts';
import { readPrices } from '#bench/bill/prices.ts';
import { operationsOfOneAlert, operationsPerAlert, usagePerAlert } from '#bench/bill/usage.ts';

const prices = readPrices();

describe('the price of a meter', () => {
  const meter = { what: '', price: 0.4, per: 1_000_000, freePerMonth: 250_000, asOf: '', source: '' };

  test.each([
    [0, 0],
    [250_000, 0],
    [1_250_000, 0.4],
    [750_000, 0.2],
  ])('for %d units is %d: what is free is not charged', (units, cost) => {
    expect(meterCost(units, meter)).toBeCloseTo(cost, 10);
  });

  test('is added up over all meters for a month', () => {
    const nothing = {
      executions: 0,
      gigabyteSeconds: 0,
      queueOperations: 0,
      tableTransactions: 0,
      logGigabytes: 0,
    };
    expect(monthlyCost(1_000_000, nothing, prices)).toBe(0);
    const { tableTransactions, queueOperations } = prices.meters;
    const cost = monthlyCost(10_000, { ...nothing, queueOperations: 3, tableTransactions: 4 }, prices);
    expect(cost).toBeCloseTo(3 * queueOperations.price + 4 * tableTransactions.price, 10);
  });
});

describe('the time that an instance is billed for', () => {
  const rules = { instanceGigabytes: 2, leastBilledMs: 1_000, billedStepMs: 100 };

  test.each([
    ['nothing for no execution', [], 0],
    ['a second for a short one', [[0, 1]], 1_000],
    ['steps of a tenth of a second beyond that', [[0, 1_001]], 1_100],
    [
      'one period for executions at the same time, in whatever order',
      [
        [500, 2_000],
        [0, 1_500],
        [100, 200],
      ],
      2_000,
    ],
    [
      'a period each for executions apart',
      [
        [0, 100],
        [5_000, 5_100],
      ],
      2_000,
    ],
  ])('is %s', (_what, stretches, billed) => {
    expect(
      billedMs(
        stretches.map(([from = 0, to = 0]) => ({ from, to })),
        rules,
      ),
    ).toBe(billed);
  });
});

describe('a line of the access log', () => {
  const lineOf = (request: string) =>
    `127.0.0.1 - - [23/Nov/2026:15:15:52 +0000] "${request} HTTP/1.1" 200 -`;
  const row = "(PartitionKey='638231644966264026_39410549',RowKey='device')";

  test.each([
    ['receive', 'GET /devstoreaccount1/alerts/messages?numofmessages=16&visibilitytimeout=600&timeout=30'],
    ['claim', 'POST /devstoreaccount1/AlertEnrichments'],
    ['store', `PUT /devstoreaccount1/AlertEnrichments${row}`],
    ['mark', `PATCH /devstoreaccount1/AlertEnrichments${row}`],
    ['ledgerRead', "GET /devstoreaccount1/EnrichmentState(PartitionKey='api',RowKey='ledger')"],
    ['ledgerWrite', "PUT /devstoreaccount1/EnrichmentState(PartitionKey='api',RowKey='ledger')"],
    ['ledgerWrite', 'POST /devstoreaccount1/EnrichmentState'],
    ['publish', 'POST /devstoreaccount1/enrichments/messages?visibilitytimeout=0&messagettl=-1&timeout=30'],
    ['settle', 'DELETE /devstoreaccount1/alerts/messages/7e57ad25?popreceipt=MjNO&timeout=30'],
    ['submit', 'POST /devstoreaccount1/alerts/messages?timeout=30'],
    ['measureQueue', 'GET /devstoreaccount1/alerts?comp=metadata&timeout=30'],
    ['noteAnswer', "PATCH /devstoreaccount1/EnrichmentState(PartitionKey='api',RowKey='answers')"],
    ['createQueue', 'PUT /devstoreaccount1/alerts-poison?timeout=30'],
    ['createTable', 'POST /devstoreaccount1/Tables'],
  ])('tells of the kind %s', (name, request) => {
    expect(operationIn(lineOf(request))).toBe(name);
  });

  test.each([
    [
      'a renewed lease',
      'PUT /devstoreaccount1/alerts/messages/7e57ad25?popreceipt=MjNO&visibilitytimeout=600',
    ],
    ['a second look at a row', `GET /devstoreaccount1/AlertEnrichments${row}`],
    ['a blob', 'PUT /devstoreaccount1/container/blob'],
  ])('is counted even if it is none of those expected: %s', (_what, request) => {
    expect(countOperations([lineOf(request)]).other).toBe(1);
  });
});

describe('what an alert uses', () => {
  const operations = {
    ...countOperations([]),
    receive: 12,
    claim: 10,
    ledgerRead: 3,
    ledgerWrite: 5,
    store: 10,
    publish: 10,
    mark: 10,
    settle: 10,
    submit: 11,
    measureQueue: 3,
    other: 2,
  };
  const measured = {
    name: 'ten alerts, one of them put back once',
    alerts: 10,
    executions: 11,
    billedMs: 5_000,
    logBytes: 3_000,
    operations,
    emptyPolls: 2,
    startOperations: 5,
  };

  test('leaves out empty polls, reports of the quota and the message of the producer', () => {
    expect(operationsPerAlert(measured, 'receive')).toBe(1);
    expect(operationsPerAlert(measured, 'ledgerRead')).toBe(0);
    expect(operationsPerAlert(measured, 'submit')).toBeCloseTo(0.1, 10);
    expect(operationsOfOneAlert(measured)).toBeCloseTo(6 + 0.5 + 0.1 + 0.2, 10);
  });

  test('is told for each meter', () => {
    const usage = usagePerAlert(measured, {
      ...prices,
      execution: { ...prices.execution, instanceGigabytes: 2 },
      log: { recordsPerExecution: 5, bytesPerRecord: 600 },
    });
    expect(usage.executions).toBeCloseTo(1.1, 10);
    expect(usage.gigabyteSeconds).toBeCloseTo(1, 10);
    expect(usage.queueOperations).toBeCloseTo(3 + 1.1, 10);
    expect(usage.tableTransactions).toBeCloseTo(3.5, 10);
    expect(usage.logGigabytes).toBeCloseTo((300 + 3_300) / 1e9, 15);
  });
});
