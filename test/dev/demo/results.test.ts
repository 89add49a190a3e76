import { expect, test } from 'vitest';
import { openParts, type Results } from '#dev/demo/results.ts';
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
  const letter = { reason: 'bad-alert-id', detail: '', original: '' };
  return {
    enrichments: new Map(enrichments.map((message) => [message.submissionId, message])),
    deadLetters: Array.from({ length: rejections }, () => letter),
  };
}

const open = (of: Results): number => openParts(samples, of);

test('A sample is open until each submission and each malformed part has ended', () => {
  const first = enrichment('a', 'da1_1', 'enriched');
  const second = enrichment('b', 'da1_1', 'enriched');
  const listed = [enrichment('c.0', 'da2_1', 'not_found'), enrichment('c.1', 'da3_1', 'failed')];
  expect(openParts(samples)).toBe(5);
  expect(open(results([], 0))).toBe(5);
  expect(open(results([first], 0))).toBe(4);
  expect(open(results([first, second, ...listed], 0))).toBe(1);
  expect(open(results([first, second, ...listed], 1))).toBe(0);
});

test('What somebody else submits meanwhile ends no part of the sample', () => {
  expect(open(results([enrichment('x', 'da9_1', 'enriched')], 0))).toBe(5);
});

test('The dead letter of a failed submission ends no malformed part', () => {
  const failed = enrichment('c.0', 'da2_1', 'failed');
  const request = { alertId: 'da2_1', submissionId: 'c.0', firstSeen: failed.receivedAt };
  const submission = { ...request, notFoundAnswers: 0, attempts: 1, deferrals: 0 };
  const letter = { reason: 'source_rejected', detail: '', original: 'da2_1', submission };
  expect(open({ enrichments: new Map([['c.0', failed]]), deadLetters: [letter] })).toBe(4);
});
