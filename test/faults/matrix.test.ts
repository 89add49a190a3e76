import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { FaultInput, FaultScript } from '#dev/simulator/faults.ts';
import { type Stack, startStack } from '#dev/stack/stack.ts';
import { type Pipeline, startPipeline } from '../support/pipelineHarness.ts';
import { secretsOf } from '../support/secrets.ts';
import { waitUntil } from '../support/waitUntil.ts';

/** How an alert with a fault ends, and how many calls that takes. */
interface Case {
  what: string;
  answers: FaultScript['answers'];
  forever?: true;
  /** What the enrichment says. */
  ends: object;
  calls: number;
  /** Why it was put back in between, once each; a reason's number of times is not certain otherwise. */
  deferred?: string[];
}

const enriched = { outcome: 'enriched' };
const twice = (fault: FaultInput): FaultInput[] => [fault, fault];
const thrice = (fault: FaultInput): FaultInput[] => [fault, fault, fault];

/** Faults that concern one alert only: all of them are under way in one host at the same time. */
const cases: Case[] = [
  ...(
    [
      ['408', 'http-408'],
      ['500', 'http-500'],
      ['502', 'http-502'],
      ['503', 'http-503'],
      ['504', 'http-504'],
      ['a connection reset at once', 'reset'],
      ['a reset in the middle of the body', 'reset-mid-body'],
      ['JSON cut off', 'truncated'],
      ['HTML with 200', 'html'],
      ['an empty body with 200', 'empty'],
      ['an error object with 200', 'error-object'],
    ] as const
  ).flatMap(([what, fault]): Case[] => [
    { what: `${what}, twice`, answers: twice(fault), ends: { ...enriched, attempts: 1 }, calls: 3 },
    {
      what: `${what}, three times`,
      answers: thrice(fault),
      ends: { ...enriched, attempts: 2 },
      calls: 4,
      deferred: ['unavailable'],
    },
  ]),
  ...(
    [
      ['an empty object with 200', 'empty-object'],
      ['a list with 200', 'array'],
      ['a gzip bomb', 'gzip-bomb'],
      ['a body of 10 MB', 'huge'],
    ] as const
  ).flatMap(([what, fault]): Case[] => [
    {
      what: `${what}, twice`,
      answers: twice(fault),
      ends: { ...enriched, attempts: 3 },
      calls: 3,
      deferred: ['unusable', 'unusable'],
    },
  ]),
  ...(
    [
      ['a wrong content type', 'wrong-content-type'],
      ['no compression', 'plain'],
      ['gzip', 'gzip'],
      ['deflate', 'deflate'],
      ['deflate without its wrapper', 'deflate-raw'],
      ['a slow drip that ends in time', { kind: 'slow-body', durationMs: 2_000 }],
    ] as const
  ).map(([what, fault]) => ({ what, answers: [fault], ends: { ...enriched, attempts: 1 }, calls: 1 })),
  {
    what: 'a stall past the timeout',
    answers: ['stall'],
    ends: { ...enriched, attempts: 1 },
    calls: 2,
  },
  {
    what: 'a slow drip past the timeout',
    answers: [{ kind: 'slow-body', durationMs: 60_000 }],
    ends: { ...enriched, attempts: 1 },
    calls: 2,
  },
  {
    what: '404 that turns 200',
    answers: twice('not-found'),
    ends: { ...enriched, attempts: 3 },
    calls: 3,
    deferred: ['not_found', 'not_found'],
  },
  {
    what: '404 for ever',
    answers: ['not-found'],
    forever: true,
    ends: { outcome: 'not_found', attempts: 3, error: { code: 'not_found' } },
    calls: 3,
    deferred: ['not_found', 'not_found'],
  },
  {
    what: '400',
    answers: ['bad-request'],
    forever: true,
    ends: {
      outcome: 'failed',
      attempts: 1,
      error: { code: 'source_rejected', message: expect.stringContaining('InvalidInput') },
    },
    calls: 1,
  },
  { what: '401 once', answers: ['unauthorized'], ends: { ...enriched, attempts: 1 }, calls: 2 },
];

let stack: Stack;
let pipeline: Pipeline;
const alertIds = new Map<string, string>();

beforeAll(async () => {
  // Without the role for lists, each of these alerts goes the single way also when many come at once.
  const roles = ['Machine.Read.All'];
  stack = await startStack({ simulator: { limits: [{ calls: 10_000, windowMs: 1_000 }], roles } });
  pipeline = await startPipeline(stack, { BULK_LOOKUPS: 'auto' });
  for (const { what, answers, forever = false } of cases) {
    alertIds.set(what, scriptedAlert(answers, forever));
  }
  await pipeline.submit(...alertIds.values());
});
afterAll(() => stack.stop());

function scriptedAlert(answers: FaultScript['answers'], forever = false): string {
  const [alert] = stack.simulator.control.addNewAlerts(1);
  const alertId = alert?.id ?? '';
  stack.simulator.control.scriptFaults({ alertId, answers: [...answers], forever });
  return alertId;
}

function callsFor(alertId: string) {
  return stack.simulator.control.calls().filter((call) => call.alertId === alertId);
}

function deferralsOf(alertId: string, from = pipeline) {
  return from.eventsOf(alertId).filter((event) => event.result === 'deferred');
}

// These come first because the slowest of the cases below take half a minute, which passes meanwhile.
test('a fault that outlasts MAX_AGE ends as failed, published and dead-lettered', async () => {
  const impatient = await startPipeline(stack, { MAX_AGE: '1s' });
  const alertId = scriptedAlert(['http-503'], true);
  await impatient.submit({ alertId, correlationId: 'INC-9' });
  const { enrichment } = await impatient.enrichmentOf(alertId);
  expect(enrichment).toMatchObject({
    outcome: 'failed',
    correlationId: 'INC-9',
    source: { retrievedAt: null },
    error: { code: 'source_unavailable', message: expect.stringContaining('503') },
  });
  expect(enrichment.device).toBeUndefined();
  expect(await impatient.deadLetterOf(alertId)).toMatchObject({
    reason: 'source_unavailable',
    submission: { alertId, correlationId: 'INC-9' },
    attempts: enrichment.attempts,
  });
  expect((await impatient.row(alertId))?.columns).toMatchObject({ outcome: 'failed' });
});

describe('a 429', () => {
  const waits: [how: string, fault: FaultInput, leastMs: number][] = [
    ['that gives the wait as seconds', { kind: 'throttle-seconds', waitSeconds: 2 }, 2_000],
    ['that gives the wait as a date', { kind: 'throttle-date', waitSeconds: 2 }, 2_000],
    ['that gives the wait in its text only', { kind: 'throttle-body', waitSeconds: 2 }, 2_000],
    ['that gives no wait', 'throttle-bare', 0],
  ];

  test.each(waits)('%s pauses the calls for so long and counts no attempt', async (_how, fault, leastMs) => {
    const throttled = await startPipeline(stack);
    const alertId = scriptedAlert([fault]);
    await throttled.submit(alertId);
    expect((await throttled.enrichmentOf(alertId)).enrichment).toMatchObject({ ...enriched, attempts: 1 });
    const [refused, served, ...more] = callsFor(alertId);
    expect(more).toEqual([]);
    expect((served?.time ?? 0) - (refused?.time ?? 0)).toBeGreaterThanOrEqual(leastMs);
  });

  test('that asks for an hour holds every alert back, also for other hosts, and loses none', async () => {
    const throttled = await startPipeline(stack);
    const refused = scriptedAlert([{ kind: 'throttle-seconds', waitSeconds: 3_600 }]);
    await throttled.submit(refused);
    await waitUntil('the alert is put back', () => deferralsOf(refused, throttled).length === 1);
    await throttled.startHost();
    const others = stack.simulator.control.addNewAlerts(40).map((alert) => alert.id);
    await throttled.submit(...others);
    const deferrals = () => others.flatMap((alertId) => deferralsOf(alertId, throttled));
    await waitUntil('all others are put back', () => deferrals().length === others.length);
    expect(Math.min(...deferrals().map((event) => Number(event.delayMs)))).toBeGreaterThan(3_500_000);
    expect(new Set(deferrals().map((event) => event.attempts))).toEqual(new Set([0]));
    expect(callsFor(refused)).toHaveLength(1);
    expect(others.flatMap(callsFor)).toEqual([]);
    await waitUntil('all are in the queue, each once', async () => (await throttled.waiting()) === 41);
    expect([await throttled.delivered(), await throttled.deadLetters()]).toEqual([[], []]);
  });
});

describe('an alert whose answer is', () => {
  test.each(cases)('$what', async ({ what, ends, calls, deferred = [] }) => {
    const alertId = alertIds.get(what) ?? '';
    const { enrichment, rowThen } = await pipeline.enrichmentOf(alertId);
    expect(enrichment).toMatchObject(ends);
    expect(rowThen?.columns).toMatchObject({ outcome: enrichment.outcome, attempts: enrichment.attempts });
    expect(callsFor(alertId)).toHaveLength(calls);
    expect(deferralsOf(alertId).map((event) => event.reason)).toEqual(deferred);
  });

  test('400 leaves a dead letter with the code, the message and the tracking ID of the service', async () => {
    const letter = await pipeline.deadLetterOf(alertIds.get('400') ?? '');
    expect(letter).toMatchObject({
      reason: 'source_rejected',
      detail: expect.stringMatching(/InvalidInput: The alert ID is not valid.*tracking ID [\da-f-]{36}/),
      submission: { alertId: letter.original },
      attempts: 1,
    });
  });

  test('404 leaves no dead letter: that the service does not know it is an answer', async () => {
    const originals = (await pipeline.deadLetters()).map((letter) => letter.original);
    expect(originals).toEqual([alertIds.get('400')]);
  });

  test('anything of these makes exactly one message, and no host redelivery', async () => {
    await pipeline.idle();
    const delivered = (await pipeline.delivered()).map(({ enrichment }) => enrichment.alertId);
    expect(delivered.toSorted()).toEqual([...alertIds.values()].sort());
    expect(await pipeline.poisoned()).toEqual([]);
    expect(pipeline.hosts[0]?.output.filter((line) => line.includes('Failed'))).toEqual([]);
  });
});

test('no token and no key is in any log, row or message of all these faults', async () => {
  const text = await pipeline.everything();
  expect(secretsOf(stack).filter((secret) => text.includes(secret))).toEqual([]);
});
