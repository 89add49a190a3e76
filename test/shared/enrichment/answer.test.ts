import { expect, test } from 'vitest';
import { normalizeMachine } from '#shared/device/normalize.ts';
import { enrichmentOf, type StoredAnswer } from '#shared/enrichment/answer.ts';
import { enrichmentSchema } from '#shared/enrichment/enrichment.ts';
import { laterBy, seenAt, submissionOf } from '../pipeline/submissions.ts';

const enriched: StoredAnswer = {
  outcome: 'enriched',
  submissionId: 'submission-1',
  sourceName: 'defender',
  retrievedAt: laterBy(1_000),
  storedAt: laterBy(2_000),
  attempts: 3,
  machine: { id: 'machine-1', extra: true },
  device: normalizeMachine({ id: 'machine-1' }, seenAt),
};

test('the submission that brought the answer is told its own attempts', () => {
  const enrichment = enrichmentOf(
    submissionOf({ attempts: 2, correlationId: 'ours', metadata: { a: 1 } }),
    enriched,
  );
  expect(enrichmentSchema.parse(enrichment)).toEqual({
    schemaVersion: '1.0',
    outcome: 'enriched',
    alertId: 'alert-1',
    submissionId: 'submission-1',
    correlationId: 'ours',
    metadata: { a: 1 },
    device: { ...enriched.device, raw: { id: 'machine-1', extra: true } },
    source: { name: 'defender', retrievedAt: '2026-11-23T12:00:01.000Z' },
    reused: false,
    attempts: 3,
    receivedAt: '2026-11-23T12:00:00.000Z',
    enrichedAt: '2026-11-23T12:00:02.000Z',
  });
});

test('another submission is told that the answer is reused, and keeps its own names and attempts', () => {
  const other = submissionOf({ submissionId: 'submission-2', attempts: 1, correlationId: 'theirs' });
  expect(enrichmentOf(other, enriched)).toMatchObject({
    submissionId: 'submission-2',
    correlationId: 'theirs',
    reused: true,
    attempts: 1,
    source: { retrievedAt: '2026-11-23T12:00:01.000Z' },
  });
});

test('a failure says what went wrong, and that nobody answered', () => {
  const error = { code: 'source_unavailable', message: 'Defender answered 503' };
  const { machine: _, device: __, ...rest } = enriched;
  const enrichment = enrichmentOf(submissionOf(), { ...rest, outcome: 'failed', retrievedAt: null, error });
  expect(enrichmentSchema.parse(enrichment)).toMatchObject({
    outcome: 'failed',
    error,
    source: { retrievedAt: null },
  });
  expect(enrichment).not.toHaveProperty('device');
});

test('people are told in a summary what came out, when they are to have one', () => {
  const { machine: _, device: __, ...rest } = enriched;
  const error = { code: 'not_found', message: 'Defender knows no such alert' };
  const found = enrichmentOf(submissionOf(), enriched, { summary: true });
  const notFound = enrichmentOf(submissionOf(), { ...rest, outcome: 'not_found', error }, { summary: true });
  expect(enrichmentSchema.parse(found).summary?.markdown).toContain('Device ID: machine\\-1');
  expect(enrichmentSchema.parse(notFound).summary?.markdown).toContain(
    'Reason: Defender knows no such alert',
  );
});
