import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Submission } from '#shared/intake/submission.ts';
import { type Decision, type DecisionRules, decide, deferForClaim } from '#shared/pipeline/decision.ts';
import type { SourceAnswer } from '#shared/sources/source.ts';
import { laterBy, seenAt, submissionOf } from './submissions.ts';

const rules: DecisionRules = {
  notFoundRetriesMs: [30_000, 120_000, 600_000],
  retryBaseDelayMs: 5_000,
  maxAgeMs: 86_400_000,
};
const half = () => 0.5;

function decided(answer: SourceAnswer, changes = {}, now = seenAt) {
  return decide(answer, submissionOf(changes), rules, now, half, 'defender');
}

describe('a machine', () => {
  test('ends the submission, the attempt counted', () => {
    const answer: SourceAnswer = {
      kind: 'found',
      source: 'defender',
      machine: { id: 'm' },
      retrievedAt: seenAt,
      unavailable: [],
    };
    expect(decided(answer, { attempts: 2 })).toEqual({
      kind: 'enriched',
      source: 'defender',
      machine: { id: 'm' },
      retrievedAt: seenAt,
      unavailable: [],
      attempts: 3,
    });
  });
});

describe('a 404', () => {
  const unknown: SourceAnswer = { kind: 'not_found', detail: 'Defender answered 404' };

  test.each([
    [0, 30_000],
    [1, 120_000],
    [2, 600_000],
  ])('after %i others puts the submission back for %i ms', (notFoundAnswers, delayMs) => {
    const decision = decided(unknown, { attempts: 5, notFoundAnswers, deferrals: 9, inLine: true });
    expect(decision).toEqual({
      kind: 'defer',
      reason: 'not_found',
      delayMs,
      detail: 'Defender answered 404',
      submission: submissionOf({
        attempts: 6,
        notFoundAnswers: notFoundAnswers + 1,
        deferrals: 10,
        inLine: false,
      }),
    });
  });

  test('after the last retry is the answer, whatever else failed in between', () => {
    expect(decided(unknown, { attempts: 12, notFoundAnswers: 3 })).toEqual({
      kind: 'not_found',
      attempts: 13,
      error: { code: 'not_found', message: expect.stringMatching(/asked 13 times.*answered 404/) },
    });
  });

  test('is the answer at once where no retries are set', () => {
    const none = { ...rules, notFoundRetriesMs: [] };
    expect(decide(unknown, submissionOf(), none, seenAt, half, 'defender')).toMatchObject({
      kind: 'not_found',
      attempts: 1,
    });
  });
});

describe('a refusal by rate', () => {
  test('with a promised turn puts the submission back for exactly that turn, no attempt counted', () => {
    const answer: SourceAnswer = {
      kind: 'wait',
      reason: 'quota',
      until: laterBy(42_000),
      inLine: true,
      detail: 'used up',
    };
    expect(decided(answer, { attempts: 2 })).toEqual({
      kind: 'defer',
      reason: 'quota',
      delayMs: 42_000,
      detail: 'used up',
      submission: submissionOf({ attempts: 2, deferrals: 1, inLine: true }),
    });
  });

  test('without a turn spreads those who come back', () => {
    const answer: SourceAnswer = {
      kind: 'wait',
      reason: 'throttled',
      until: laterBy(8_000),
      inLine: false,
      detail: '429',
    };
    expect(decided(answer, { attempts: 2, inLine: true })).toMatchObject({
      reason: 'throttled',
      delayMs: 10_500,
      submission: { attempts: 2, deferrals: 1, inLine: false },
    });
  });

  test('a pause after a 429 is told as such, also where it keeps a turn', () => {
    const answer: SourceAnswer = {
      kind: 'wait',
      reason: 'throttled',
      until: laterBy(8_000),
      inLine: true,
      detail: '429',
    };
    expect(decided(answer, { inLine: true })).toMatchObject({
      reason: 'throttled',
      delayMs: 8_000,
      submission: { inLine: true },
    });
  });

  test('never ends a submission, however old', () => {
    const answer: SourceAnswer = { kind: 'wait', reason: 'quota', until: seenAt, inLine: true, detail: '' };
    expect(decided(answer, {}, laterBy(100 * rules.maxAgeMs))).toMatchObject({ kind: 'defer', delayMs: 0 });
  });
});

describe('a refusal of the app', () => {
  test('puts the submission back, no attempt counted, however old it is', () => {
    const now = laterBy(100 * rules.maxAgeMs);
    const until = new Date(now.getTime() + 60_000);
    const decision = decided({ kind: 'denied', until, detail: 'role missing' }, { attempts: 1 }, now);
    expect(decision).toMatchObject({
      kind: 'defer',
      reason: 'denied',
      delayMs: 90_000,
      detail: 'role missing',
      submission: { attempts: 1, deferrals: 1 },
    });
  });

  test('waits the base delay at least when the probe is due now', () => {
    expect(decided({ kind: 'denied', until: seenAt, detail: '' })).toMatchObject({ delayMs: 7_500 });
  });
});

describe('no usable answer', () => {
  const unavailable: SourceAnswer = { kind: 'unavailable', detail: 'Defender answered 503' };

  test('puts the submission back with a growing delay, the attempt counted', () => {
    expect(decided(unavailable, { attempts: 3, inLine: true })).toMatchObject({
      kind: 'defer',
      reason: 'unavailable',
      delayMs: 20_000,
      submission: { attempts: 4, deferrals: 1, inLine: false },
    });
  });

  const failing = { since: seenAt.toISOString(), answer: 'unavailable', count: 20 } as const;

  test('fails the submission once it has failed for too long, and not before', () => {
    expect(decided(unavailable, { failing }, laterBy(rules.maxAgeMs))).toMatchObject({ kind: 'defer' });
    expect(decided(unavailable, { attempts: 20, failing }, laterBy(rules.maxAgeMs + 1))).toEqual({
      kind: 'failed',
      attempts: 21,
      error: { code: 'source_unavailable', message: expect.stringMatching(/21 attempts.*answered 503/) },
    });
  });
});

describe('the time for which look-ups of an alert fail', () => {
  const unavailable: SourceAnswer = { kind: 'unavailable', detail: 'Defender answered 503' };
  const failingOf = (decision: Decision) => decision.kind === 'defer' && decision.submission.failing;

  test('begins with the first failure in a row, however old the alert is', () => {
    const late = laterBy(25 * 3_600_000);
    const decision = decided(unavailable, {}, late);
    expect(failingOf(decision)).toEqual({ since: late.toISOString(), answer: 'unavailable', count: 1 });
  });

  test('begins anew after an answer', () => {
    const failing = { since: seenAt.toISOString(), answer: 'unavailable', count: 3 } as const;
    const unknown: SourceAnswer = { kind: 'not_found', detail: 'Defender answered 404' };
    expect(failingOf(decided(unknown, { failing }))).toBeUndefined();
  });

  test.each<SourceAnswer>([
    { kind: 'wait', reason: 'quota', until: laterBy(3_600_000), inLine: true, detail: 'used up' },
    { kind: 'denied', until: laterBy(3_600_000), detail: 'no role' },
    { kind: 'interrupted', detail: 'time is up' },
  ])('does not count what the alert waits for otherwise: $kind', (answer) => {
    const failing = { since: seenAt.toISOString(), answer: 'unavailable', count: 3 } as const;
    const decision = decided(answer, { failing });
    if (decision.kind !== 'defer') {
      throw new Error('not deferred');
    }
    const since = new Date(seenAt.getTime() + decision.delayMs).toISOString();
    expect(failingOf(decision)).toEqual({ ...failing, since });
    expect(decision.submission.attempts).toBe(0);
  });
});

test('Retry-After of a server that is busy is kept, up to a quarter of an hour', () => {
  const busy = (retryAfterMs: number): SourceAnswer => ({ kind: 'unavailable', retryAfterMs, detail: '503' });
  expect(decided(busy(120_000))).toMatchObject({ delayMs: 120_000 });
  expect(decided(busy(86_400_000))).toMatchObject({ delayMs: 900_000 });
});

describe.each([
  ['unusable', 'source_answer_unusable'],
  ['forbidden', 'source_forbidden'],
] as const)('an answer that another look-up is not likely to change: %s', (kind, code) => {
  test('is asked for again a few times, later each time, and is final then', () => {
    let submission: Partial<Submission> = {};
    const delays: number[] = [];
    for (;;) {
      const decision = decided({ kind, detail: 'its words' }, submission);
      if (decision.kind !== 'defer') {
        expect(decision).toMatchObject({ kind: 'failed', attempts: 5, error: { code } });
        expect(decision).toMatchObject({ error: { message: expect.stringContaining('its words') } });
        break;
      }
      expect(decision.reason).toBe(kind);
      delays.push(decision.delayMs);
      submission = decision.submission;
    }
    expect(delays).toEqual([3_750, 15_000, 60_000, 240_000]);
  });

  test('counts only in a row', () => {
    const failing = { since: seenAt.toISOString(), answer: 'unavailable', count: 9 } as const;
    expect(decided({ kind, detail: '' }, { failing })).toMatchObject({
      submission: { failing: { count: 1 } },
    });
  });
});

test('a rejected alert fails at once, in Defender’s words', () => {
  const answer: SourceAnswer = { kind: 'rejected', code: 'InvalidInput', message: 'bad ID', target: 't-1' };
  expect(decided(answer)).toEqual({
    kind: 'failed',
    attempts: 1,
    error: {
      code: 'source_rejected',
      message: 'Defender refused the look-up: InvalidInput: bad ID (tracking ID t-1)',
    },
  });
});

describe('an alert that somebody else looks up', () => {
  test('is left alone for longer each time, and never for longer than the claim lasts', () => {
    const delays = [0, 1, 2, 5].map(
      (deferrals) => deferForClaim(submissionOf({ deferrals }), laterBy(30_000), rules, seenAt, half).delayMs,
    );
    expect(delays).toEqual([2_500, 5_000, 10_000, 30_000]);
  });

  test('costs no attempt and keeps a promised turn', () => {
    const submission = submissionOf({ attempts: 2, inLine: true });
    expect(deferForClaim(submission, laterBy(-1), rules, seenAt, half)).toMatchObject({
      reason: 'claimed',
      delayMs: 0,
      submission: { attempts: 2, deferrals: 1, inLine: true },
    });
  });
});

test('whatever the answer, delays are within bounds and only answers about the alert count as attempts', () => {
  const time = fc.date({ min: laterBy(-3_600_000), max: laterBy(200_000_000), noInvalidDate: true });
  const detail = fc.constant('detail');
  const answers: fc.Arbitrary<SourceAnswer> = fc.oneof(
    fc.record({
      kind: fc.constant('found' as const),
      source: fc.constantFrom('defender' as const, 'graph' as const),
      machine: fc.constant({ id: 'm' }),
      retrievedAt: time,
      unavailable: fc.constant([]),
    }),
    fc.record({ kind: fc.constant('not_found' as const), detail }),
    fc.record({
      kind: fc.constant('wait' as const),
      reason: fc.constantFrom('quota' as const, 'throttled' as const),
      until: time,
      inLine: fc.boolean(),
      detail,
    }),
    fc.record({ kind: fc.constant('denied' as const), until: time, detail }),
    fc.record({ kind: fc.constantFrom('unavailable', 'unusable', 'forbidden', 'interrupted'), detail }),
    fc.record({ kind: fc.constant('rejected' as const), code: detail, message: detail }),
  );
  const submissions = fc
    .record({
      attempts: fc.nat(2_000),
      notFoundAnswers: fc.nat(5),
      deferrals: fc.nat(2_000),
      inLine: fc.boolean(),
    })
    .map(submissionOf);
  const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
  fc.assert(
    fc.property(answers, submissions, time, random, (answer, submission, now, part) => {
      const decision = decide(answer, submission, rules, now, () => part, 'defender');
      const counts = !['wait', 'denied', 'interrupted'].includes(answer.kind);
      const counted = submission.attempts + (counts ? 1 : 0);
      if (decision.kind !== 'defer') {
        expect(decision.attempts).toBe(counted);
        expect(counts).toBe(true);
        return;
      }
      expect(decision.submission).toMatchObject({ attempts: counted, deferrals: submission.deferrals + 1 });
      expect(decision.delayMs).toBeGreaterThanOrEqual(0);
      const asked = 'until' in answer ? Math.max(0, answer.until.getTime() - now.getTime()) : 0;
      const cap = Math.max(900_000, 2 * Math.max(asked, rules.retryBaseDelayMs));
      expect(decision.delayMs).toBeLessThanOrEqual(cap);
      // Nobody comes back before it makes sense.
      expect(decision.delayMs).toBeGreaterThanOrEqual(asked);
    }),
  );
});
