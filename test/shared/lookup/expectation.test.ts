import { expect, test } from 'vitest';
import { expectationOf } from '#shared/lookup/alertLookup.ts';
import type { QuotaReport } from '#shared/quota/quotaReport.ts';
import { laterBy, seenAt } from '../pipeline/submissions.ts';

function report(changes: Partial<QuotaReport>): QuotaReport {
  return { windows: [], rate: 1, pausedUntil: null, circuit: null, queued: 1, drainedBy: seenAt, ...changes };
}

test('what is pending is expected when the line is drained', () => {
  const drainedBy = laterBy(12_300);
  expect(expectationOf(report({ drainedBy }), seenAt)).toEqual({
    expectedAt: drainedBy,
    retryAfterSeconds: 13,
  });
});

test('it is worth asking again after a second at the soonest, and a minute at the latest', () => {
  expect(expectationOf(report({ drainedBy: laterBy(-5) }), seenAt)).toEqual({
    expectedAt: seenAt,
    retryAfterSeconds: 1,
  });
  expect(expectationOf(report({ drainedBy: laterBy(3_600_000) }), seenAt).retryAfterSeconds).toBe(60);
});

test('while the circuit is open nobody can tell, and it is worth asking after the next probe', () => {
  const circuit = { openSince: seenAt, nextProbe: laterBy(20_000), detail: '' };
  const expectation = expectationOf(report({ circuit, drainedBy: null }), seenAt);
  expect(expectation).toEqual({ retryAfterSeconds: 20 });
});

test('without a report nothing is promised', () => {
  expect(expectationOf(undefined, seenAt)).toEqual({ retryAfterSeconds: 5 });
});
