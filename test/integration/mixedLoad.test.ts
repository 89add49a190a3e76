import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { FaultRates } from '#dev/simulator/faults.ts';
import { type Stack, startStack } from '#dev/stack/stack.ts';
import { type Delivered, type Pipeline, startPipeline } from '../support/pipelineHarness.ts';
import { secretsOf } from '../support/secrets.ts';

const KNOWN = 465;
const UNKNOWN = 25;
const MALFORMED = 10;

/** Each spoils one answer in twenty: two of five answers are bad. */
const faults: FaultRates = {
  'http-500': 0.05,
  reset: 0.05,
  'reset-mid-body': 0.05,
  truncated: 0.05,
  html: 0.05,
  'error-object': 0.05,
  'throttle-bare': 0.05,
  unauthorized: 0.05,
};

let stack: Stack;
let pipeline: Pipeline;
let known: string[];
let unknown: string[];
let malformed: string[];

beforeAll(async () => {
  stack = await startStack({ simulator: { limits: [{ calls: 10_000, windowMs: 1_000 }] } });
  pipeline = await startPipeline(stack);
  const { control } = stack.simulator;
  known = control.addNewAlerts(KNOWN).map((alert) => alert.id);
  unknown = Array.from({ length: UNKNOWN }, () => `da${randomUUID()}_1`);
  malformed = Array.from({ length: MALFORMED }, (_, index) => `{"alertId": "no alert ${index}"}`);
  control.setFaultRates(faults);
  await pipeline.submit(...messagesOf([...known, ...unknown]), ...malformed);
  await pipeline.idle();
}, 120_000);
afterAll(() => stack.stop());

/** The alerts in forms that take turns; every tenth message is a list of ten. */
function messagesOf(alertIds: string[]): unknown[] {
  const forms: ((alertId: string) => unknown)[] = [
    (alertId) => alertId,
    (alertId) => ({ alertId, correlationId: `INC-${alertId}` }),
    (alertId) => Buffer.from(JSON.stringify({ alertId })).toString('base64'),
    (alertId) => ({ id: alertId, severity: 'High', machineId: null }),
    (alertId) => ({ specversion: '1.0', id: alertId, source: '/soc', type: 'raised', data: alertId }),
  ];
  const inLists = alertIds.filter((_, index) => index % 2 === 1);
  const alone = alertIds.filter((_, index) => index % 2 === 0);
  const lists = inLists.flatMap((_, index) => (index % 10 === 0 ? [inLists.slice(index, index + 10)] : []));
  return [...alone.map((alertId, index) => forms[index % forms.length]?.(alertId)), ...lists];
}

async function byOutcome(outcome: string): Promise<Delivered[]> {
  return (await pipeline.delivered()).filter(({ enrichment }) => enrichment.outcome === outcome);
}

const alertIdsOf = (delivered: Delivered[]) =>
  delivered.map(({ enrichment }) => enrichment.alertId).toSorted();

test('every submission ends exactly once: enriched, not_found or as a dead letter', async () => {
  expect(alertIdsOf(await byOutcome('enriched'))).toEqual(known.toSorted());
  expect(alertIdsOf(await byOutcome('not_found'))).toEqual(unknown.toSorted());
  expect(await byOutcome('failed')).toEqual([]);
  const letters = await pipeline.deadLetters();
  const shown = letters.map((letter) => JSON.stringify(JSON.parse(letter.original)));
  expect(shown.toSorted()).toEqual(malformed.map((text) => JSON.stringify(JSON.parse(text))).toSorted());
  expect(await pipeline.poisoned()).toEqual([]);
});

test('the faults were there', () => {
  const { faults: seen, throttled } = stack.simulator.control.report();
  for (const kind of Object.keys(faults)) {
    expect(seen[kind]).toBeGreaterThan(5);
  }
  expect(throttled).toBeGreaterThan(5);
});

test('the table and the output queue agree', async () => {
  const rows = await pipeline.rows();
  expect(rows.map((row) => row.partitionKey).toSorted()).toEqual([...known, ...unknown].toSorted());
  for (const { enrichment } of await pipeline.delivered()) {
    const row = await pipeline.row(enrichment.alertId);
    const { raw, ...device } = enrichment.device ?? {};
    expect(row?.columns).toMatchObject({
      outcome: enrichment.outcome,
      submissionId: enrichment.submissionId,
      attempts: enrichment.attempts,
    });
    expect(row).toMatchObject(
      enrichment.outcome === 'enriched' ? { device, machine: raw } : { device: null, machine: null },
    );
  }
});

test('no device was made of anything but the machine of its alert', async () => {
  const { alerts } = stack.simulator.control;
  for (const { enrichment } of await byOutcome('enriched')) {
    const alert = alerts.byId(enrichment.alertId);
    const machine = alert && alerts.machineOf(alert);
    expect(machine).toBeDefined();
    expect(enrichment.device?.raw).toEqual({ ...machine, '@odata.context': expect.any(String) });
  }
});

test('no token and no key is in any log, row or message', async () => {
  const text = await pipeline.everything();
  expect(secretsOf(stack).filter((secret) => text.includes(secret))).toEqual([]);
});
