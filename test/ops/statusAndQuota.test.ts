import { TableClient } from '@azure/data-tables';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Stack, startStack } from '#dev/stack/stack.ts';
import { quotaLines } from '#ops/quotaView.ts';
import { createApplication } from '#shared/application.ts';
import { readSettings } from '#shared/config/settings.ts';
import { receiveMessage } from '#shared/pipeline/receiveMessage.ts';
import { runOps } from './commandLine.ts';
import { bury, failedLetter } from './poison.ts';

let stack: Stack;
let settings: Record<string, string>;

beforeAll(async () => {
  stack = await startStack();
  settings = { ...stack.settings, AZURE_FUNCTIONS_ENVIRONMENT: 'Development' };
  for (const name of ['alerts', 'alerts-poison', 'enrichments']) {
    await stack.queues.createQueue(name);
  }
  for (const name of ['AlertEnrichments', 'EnrichmentState']) {
    await TableClient.fromConnectionString(stack.azurite.connectionString, name, {
      allowInsecureConnection: true,
    }).createTable();
  }
});
afterAll(() => stack.stop());

test('status says what row, queue and dead letters hold of an alert', async () => {
  const [alertId = ''] = stack.simulator.control.alertIds(1);
  const before = await runOps(settings, 'status', alertId);
  expect(before.output).toMatch(/^Row +none: it was never looked up$/m);
  expect(before.output).toMatch(/^Queue +nothing waits$/m);

  const letter = failedLetter(alertId);
  const id = await bury(stack.queues.getQueueClient('alerts-poison'), letter);
  await stack.queues.getQueueClient('alerts').sendMessage(JSON.stringify({ alertIds: ['other', alertId] }));
  process.env.IDENTITY_ENDPOINT = stack.simulator.identityEndpoint;
  process.env.IDENTITY_HEADER = stack.simulator.identityHeader;
  const { receiver } = createApplication(readSettings(settings), true);
  await receiveMessage({ body: alertId, delivery: {} }, receiver, () => {}, AbortSignal.timeout(20_000));

  const after = await runOps(settings, 'status', alertId);
  expect(after.exitCode).toBe(0);
  expect(after.output).toMatch(/^Outcome +enriched$/m);
  expect(after.output).toMatch(/^Device +\S+/m);
  expect(after.output).toMatch(/^Claim +none$/m);
  expect(after.output).toMatch(/^Published +1 enrichment$/m);
  expect(after.output).toMatch(/^Queue +1 message waiting to be taken$/m);
  expect(after.output).toContain(`${id}: source_unavailable`);

  const { output } = await runOps(settings, 'status', alertId, '--json');
  expect(JSON.parse(output)).toMatchObject({
    alertId,
    state: { answer: { outcome: 'enriched' }, published: [expect.any(String)] },
    queue: { found: 1, lookedAt: 1, count: 1 },
    deadLetters: [{ id, reason: 'source_unavailable', letter }],
  });
});

test('quota says how much is left and how long the queue is', async () => {
  const { output, exitCode } = await runOps(settings, 'quota');
  expect(exitCode).toBe(0);
  expect(output).toMatch(/^1m +\d+ +100 +\d+$/m);
  expect(output).toMatch(/^1h +\d+ +1500 +\d+$/m);
  expect(output).toMatch(/^Circuit +closed$/m);
  const report = JSON.parse((await runOps(settings, 'quota', '--json')).output);
  expect(report).toMatchObject({ rate: 1, pausedUntil: null, circuit: null });
});

test('quota names what holds calls up', () => {
  const now = new Date('2026-11-23T12:00:00Z');
  const lines = quotaLines(
    {
      windows: [{ limit: { calls: 100, windowMs: 60_000 }, permitted: 70, used: 80, remaining: 0 }],
      rate: 0.7,
      pausedUntil: new Date('2026-11-23T12:00:30Z'),
      circuit: {
        openSince: new Date('2026-11-23T10:00:00Z'),
        nextProbe: new Date('2026-11-23T12:10:00Z'),
        detail: 'Defender answered 403: grant Machine.Read.All',
      },
      queued: 1_500,
      drainedBy: null,
    },
    now,
  );
  expect(lines).toEqual([
    'WINDOW  USED  PERMITTED  REMAINING',
    '1m      80    70 of 100  0',
    '',
    'Rate     70 %, lowered by 429s',
    'Paused   until 2026-11-23T12:00:30Z, after a 429',
    'Circuit  open since 2026-11-23T10:00:00Z (2 h): Defender refuses the app; next probe 2026-11-23T12:10:00Z',
    'Queue    about 1,500 messages, those that wait for their time included',
    'Drained  not while the circuit is open',
    '',
    'Defender answered 403: grant Machine.Read.All',
  ]);
});

test('quota says how long the line takes, and whether lists shorten that', () => {
  const now = new Date('2026-11-23T12:00:00Z');
  const report = {
    windows: [],
    rate: 1,
    pausedUntil: null,
    circuit: null,
    queued: 10_000,
    drainedBy: new Date('2026-11-23T12:03:20Z'),
  };
  const drained = (changes: { bulk?: true }) =>
    quotaLines({ ...report, ...changes }, now).find((line) => line.startsWith('Drained'));
  expect(drained({ bulk: true })).toBe(
    'Drained  by 2026-11-23T12:03:20Z (in 3 min), by lists of alerts and devices',
  );
  expect(drained({})).toContain('if each alert takes one call');
});
