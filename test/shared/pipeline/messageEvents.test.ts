import { describe, expect, test } from 'vitest';
import type { Progress } from '#shared/pipeline/enrichSubmission.ts';
import { progressEvent } from '#shared/pipeline/receiveMessage.ts';
import { laterBy, submissionOf } from './submissions.ts';

function eventOf(progress: Progress) {
  const submission = submissionOf({ correlationId: 'ours', attempts: 1, deferrals: 2 });
  return progressEvent(submission, progress, laterBy(60_000), laterBy(60_250));
}

const common = {
  event: 'submission',
  alertId: 'alert-1',
  submissionId: 'submission-1',
  correlationId: 'ours',
  deferrals: 2,
  durationMs: 250,
  ageMs: 60_250,
};

describe('the line about a submission', () => {
  test('tells how it ended', () => {
    expect(
      eventOf({
        kind: 'final',
        outcome: 'failed',
        reused: false,
        attempts: 2,
        error: { code: 'source_rejected', message: 'refused' },
        device: undefined,
      }),
    ).toEqual({
      ...common,
      result: 'failed',
      attempts: 2,
      reused: false,
      reason: 'source_rejected',
      detail: 'refused',
      deviceId: undefined,
    });
  });

  test('tells why and for how long it was put back', () => {
    expect(
      eventOf({ kind: 'deferred', reason: 'quota', delayMs: 1_234.56, attempts: 1, detail: 'used up' }),
    ).toEqual({
      ...common,
      result: 'deferred',
      attempts: 1,
      reason: 'quota',
      delayMs: 1_235,
      detail: 'used up',
    });
  });

  test('tells that it was done before', () => {
    expect(eventOf({ kind: 'repeated' })).toEqual({ ...common, result: 'repeated', attempts: 1 });
  });
});
