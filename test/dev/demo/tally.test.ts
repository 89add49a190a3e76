import { expect, test } from 'vitest';
import type { Results } from '#dev/demo/watchSample.ts';
import { createWaitingRoom, tally } from '#dev/demo/watchSample.ts';
import type { Enrichment } from '#shared/enrichment/enrichment.ts';

const samples = [
  { form: 'bare ID', text: 'da1_1', alertIds: ['da1_1'], rejections: 0 },
  { form: 'bare ID, again', text: 'da1_1', alertIds: ['da1_1'], rejections: 0 },
  { form: '{alertIds}', text: '', alertIds: ['da2_1', 'da3_1'], rejections: 1 },
];

function enrichment(submissionId: string, alertId: string, outcome: Enrichment['outcome']): Enrichment {
  const time = '2026-02-10T08:12:44.114Z';
  const source = { name: 'defender', retrievedAt: time };
  const rest = { source, reused: false, attempts: 1, receivedAt: time, enrichedAt: time };
  return { schemaVersion: '1.0', submissionId, alertId, outcome, ...rest };
}

function results(enrichments: Enrichment[], rejections: number): Results {
  const letter = { reason: 'bad-alert-id', detail: '', original: '', isSubmission: false };
  return {
    enrichments: new Map(enrichments.map((message) => [message.submissionId, message])),
    deadLetters: Array.from({ length: rejections }, () => letter),
  };
}

function open(of: Results): number {
  return tally(samples, of, new Map(), [], 0, 0).open;
}

test('A sample is open until each submission and each malformed part has ended', () => {
  const first = enrichment('a', 'da1_1', 'enriched');
  const second = enrichment('b', 'da1_1', 'enriched');
  const listed = [enrichment('c.0', 'da2_1', 'not_found'), enrichment('c.1', 'da3_1', 'failed')];
  expect(open(results([], 0))).toBe(5);
  expect(open(results([first], 0))).toBe(4);
  expect(open(results([first, second, ...listed], 0))).toBe(1);
  expect(open(results([first, second, ...listed], 1))).toBe(0);
});

test('What somebody else submits meanwhile ends no part of the sample', () => {
  expect(open(results([enrichment('x', 'da9_1', 'enriched')], 0))).toBe(5);
});

test('The dead letter of a failed submission ends no malformed part', () => {
  const letter = { reason: 'source_rejected', detail: '', original: 'da2_1', isSubmission: true };
  const failed = enrichment('c.0', 'da2_1', 'failed');
  expect(open({ enrichments: new Map([['c.0', failed]]), deadLetters: [letter] })).toBe(4);
});

test('Calls count by the windows of the quota, results by their outcome', () => {
  const hour = 3_600_000;
  const messages = [enrichment('a', 'da1_1', 'enriched'), enrichment('c.0', 'da2_1', 'not_found')];
  const calls = [0, 1, hour - 60_000, hour - 1].map((time) => ({
    time,
    route: time > 1 ? 'machines' : 'alerts',
  }));
  const progress = tally(samples, results(messages, 1), new Map(), calls, 0, hour);
  expect(progress).toMatchObject({ submitted: 5, enriched: 1, notFound: 1, deadLetters: 1 });
  expect(progress).toMatchObject({ callsInMinute: 1, callsInHour: 3, elapsedMs: hour });
  expect([...progress.callsByRoute]).toEqual([
    ['alerts', 2],
    ['machines', 2],
  ]);
});

test('A submission waits from its deferral until anything else is heard of it', () => {
  const waiting = createWaitingRoom();
  const event = { event: 'submission' as const, alertId: 'da1_1' };
  waiting.hear({ ...event, submissionId: 'a', result: 'deferred', reason: 'quota' });
  waiting.hear({ ...event, submissionId: 'b', result: 'deferred', reason: 'quota' });
  waiting.hear({ ...event, submissionId: 'b', result: 'deferred', reason: 'not_found' });
  expect([...waiting.byReason()]).toEqual([
    ['quota', 1],
    ['not_found', 1],
  ]);
  waiting.hear({ ...event, submissionId: 'a', result: 'enriched' });
  expect([...waiting.byReason()]).toEqual([['not_found', 1]]);
});
