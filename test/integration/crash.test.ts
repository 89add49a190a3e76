import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Stack, startStack } from '#dev/stack/stack.ts';
import { type Pipeline, startPipeline } from '../support/pipelineHarness.ts';
import { secretsOf } from '../support/secrets.ts';
import { waitUntil } from '../support/waitUntil.ts';

/** After how many messages each host is killed; the host after these stays. */
const KILLED_AFTER = [5, 30, 60];
/** At most so many messages are in work in one host (host.json: batchSize + newBatchThreshold). */
const IN_WORK = 24;

let stack: Stack;
let pipeline: Pipeline;
let alone: string[];
let listed: string[];

beforeAll(async () => {
  stack = await startStack({
    simulator: { limits: [{ calls: 10_000, windowMs: 1_000 }], latency: { least: 50, most: 250 } },
  });
  pipeline = await startPipeline(stack, { LOCAL_HOST_LEASE_SECONDS: '5', CLAIM_EXPIRY: '30s' });
  const alertIds = stack.simulator.control.addNewAlerts(100).map((alert) => alert.id);
  listed = alertIds.slice(0, 20);
  alone = alertIds.slice(20);
  await pipeline.submit({ alertIds: listed }, ...alone);
  for (const count of KILLED_AFTER) {
    await waitUntil(`${count} messages are out`, async () => (await pipeline.delivered()).length >= count);
    await pipeline.hosts.at(-1)?.kill();
    await pipeline.startHost();
  }
  await pipeline.idle();
});
afterAll(() => stack.stop());

describe('when hosts are killed in the middle of their work', () => {
  test('every submission ends, and copies of a message are known by their submission ID', async () => {
    const delivered = (await pipeline.delivered()).map(({ enrichment }) => enrichment);
    const bySubmission = Map.groupBy(delivered, ({ submissionId }) => submissionId);
    const firsts = [...bySubmission.values()].flatMap(([first]) => first ?? []);
    expect(firsts.map(({ alertId }) => alertId).toSorted()).toEqual([...alone, ...listed].toSorted());
    expect(new Set(delivered.map(({ outcome }) => outcome))).toEqual(new Set(['enriched']));
    for (const copies of bySubmission.values()) {
      expect(new Set(copies.map(({ alertId }) => alertId)).size).toBe(1);
    }
  });

  test('a message is sent twice only when its first sender died before it could record that', async () => {
    const delivered = (await pipeline.delivered()).map(({ enrichment }) => enrichment);
    const copied = [...Map.groupBy(delivered, ({ submissionId }) => submissionId)]
      .filter(([, copies]) => copies.length > 1)
      .map(([submissionId, [first]]) => ({ submissionId, alertId: first?.alertId ?? '' }));
    const recorded = copied.map(({ submissionId, alertId }) =>
      pipeline
        .eventsOf(alertId)
        .filter((event) => event.submissionId === submissionId && event.result === 'enriched'),
    );
    // Who recorded it is the last sender; where that one was killed right after, its line may be lost too.
    expect(recorded.every((events) => events.length <= 1)).toBe(true);
    expect(copied.length).toBeLessThanOrEqual(KILLED_AFTER.length * IN_WORK);
  });

  test('nothing is dead, and the host gives up on no message', async () => {
    expect([await pipeline.deadLetters(), await pipeline.poisoned()]).toEqual([[], []]);
  });

  test('every alert has one row, with no claim left on it', async () => {
    const rows = await pipeline.rows();
    expect(rows.map((row) => row.partitionKey).toSorted()).toEqual([...alone, ...listed].toSorted());
    expect(rows.filter((row) => row.claimedBy)).toEqual([]);
  });

  test('a second call is made only for alerts whose first answer died with its host', () => {
    const { calls } = stack.simulator.control.report();
    expect(calls).toBeGreaterThanOrEqual(100);
    expect(calls).toBeLessThanOrEqual(100 + KILLED_AFTER.length * IN_WORK);
  });

  test('no token and no key is in any log, row or message', async () => {
    const text = await pipeline.everything();
    expect(secretsOf(stack).filter((secret) => text.includes(secret))).toEqual([]);
  });
});
