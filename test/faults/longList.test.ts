import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Stack, startStack } from '#dev/stack/stack.ts';
import { startPipeline } from '../support/pipelineHarness.ts';
import { LONGEST_WAIT_MS, waitUntil } from '../support/waitUntil.ts';

/** A queue message holds about 1,400 IDs, an order by HTTP 1,000; `LONG_LIST=1400` tries as many. */
const ALERTS = Number(process.env.LONG_LIST ?? 150);
const ORDERED = Math.min(ALERTS, 1_000);
/** As many alerts may be in the hands of a host when it is killed. */
const IN_FLIGHT = 48;

let stack: Stack;
beforeAll(async () => {
  stack = await startStack({ simulator: { limits: [{ calls: 100_000, windowMs: 1_000 }] } });
});
afterAll(() => stack.stop());

test('a long list whose host is killed in the middle becomes one enrichment for each alert', {
  timeout: 4 * LONGEST_WAIT_MS + 300 * ALERTS,
}, async () => {
  const pipeline = await startPipeline(stack, { LOCAL_HOST_LEASE_SECONDS: '3' });
  const alertIds = stack.simulator.control.addNewAlerts(ALERTS).map(({ id }) => id);
  await pipeline.submit({ alertIds, correlationId: 'list' });
  await waitUntil('a part of the list is in the queue', async () => (await pipeline.waiting()) > 20);
  await pipeline.hosts[0]?.kill();
  await pipeline.startHost();
  await pipeline.startHost();
  await pipeline.idle(LONGEST_WAIT_MS + 200 * ALERTS);
  const enrichments = (await pipeline.delivered()).map(({ enrichment }) => enrichment);
  expect(new Set(enrichments.map(({ alertId }) => alertId))).toEqual(new Set(alertIds));
  // A death between publishing and marking may bring a second message, with the same submission ID.
  const submissions = new Set(enrichments.map(({ submissionId }) => submissionId));
  expect(submissions.size).toBe(ALERTS);
  const twice = alertIds.filter((id) => (stack.simulator.control.report().alerts[id] ?? 0) > 1);
  expect(twice.length).toBeLessThanOrEqual(IN_FLIGHT);
  expect(await pipeline.deadLetters()).toEqual([]);
});

test('a long order by HTTP whose host is killed in the middle is sent again, and no alert is asked about twice', {
  timeout: 4 * LONGEST_WAIT_MS + 300 * ORDERED,
}, async () => {
  const pipeline = await startPipeline(stack, { LOCAL_HOST_LEASE_SECONDS: '3' });
  const alertIds = stack.simulator.control.addNewAlerts(ORDERED).map(({ id }) => id);
  const order = (to: string | undefined) =>
    fetch(`${to}/api/enrichments`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ alertIds }),
    });
  // The expectation waits from the start: the connection may break before the kill is confirmed.
  const cut = expect(order(pipeline.hosts[0]?.url)).rejects.toThrow();
  await waitUntil('a part of the order is in the queue', async () => (await pipeline.waiting()) > 20);
  await pipeline.hosts[0]?.kill();
  await cut;
  const next = await pipeline.startHost();
  const again = await order(next.url);
  expect(again.status).toBe(202);
  await pipeline.idle(LONGEST_WAIT_MS + 200 * ORDERED);
  const enrichments = (await pipeline.delivered()).map(({ enrichment }) => enrichment);
  expect(new Set(enrichments.map(({ alertId }) => alertId))).toEqual(new Set(alertIds));
  const calls = stack.simulator.control.report().alerts;
  expect(alertIds.filter((id) => (calls[id] ?? 0) > 1).length).toBeLessThanOrEqual(IN_FLIGHT);
  expect(alertIds.filter((id) => (calls[id] ?? 0) === 0)).toEqual([]);
  expect(await pipeline.deadLetters()).toEqual([]);
});
