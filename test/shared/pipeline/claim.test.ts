import { describe, expect, test } from 'vitest';
import type { StoredAnswer } from '#shared/enrichment/answer.ts';
import type { Submission } from '#shared/intake/submission.ts';
import type { AlertState, Claim } from '#shared/pipeline/alertRecords.ts';
import { answerFor, decideClaim } from '#shared/pipeline/claim.ts';
import { laterBy, seenAt, submissionOf } from './submissions.ts';

const MINUTE_MS = 60_000;
const rules = { reuseForMs: 15 * MINUTE_MS };
const off = { reuseForMs: 0 };
const first = { messageId: 'submission-1' };

/** The claim of another submission. */
function claimOf(changes: Partial<Claim> = {}): Claim {
  return {
    submissionId: 'another',
    messageId: 'another',
    key: 'key-1',
    expiresAt: laterBy(9_000),
    ...changes,
  };
}

function stateOf(state: Partial<AlertState>): AlertState {
  return { claim: undefined, answer: undefined, published: [], ...state };
}

function answerOf(changes: Partial<StoredAnswer>): StoredAnswer {
  return {
    outcome: 'enriched',
    submissionId: 'another',
    sourceName: 'defender',
    retrievedAt: laterBy(-MINUTE_MS),
    storedAt: laterBy(-MINUTE_MS),
    attempts: 1,
    ...changes,
  };
}

describe('a claim', () => {
  test.each([
    ['free when there is none', undefined, first, 'free'],
    ['busy while another one lasts', claimOf({ expiresAt: laterBy(1) }), first, 'busy'],
    ['free when another one has expired', claimOf({ expiresAt: seenAt }), first, 'free'],
    ['free when it was given up', claimOf({ messageId: '', key: '', expiresAt: new Date(0) }), first, 'free'],
    [
      'free for the message that took it, come again after a crash',
      claimOf({ submissionId: 'submission-1', messageId: 'submission-1' }),
      first,
      'free',
    ],
    [
      'free for the copy that its holder put back',
      claimOf({ submissionId: 'submission-1', messageId: 'submission-1' }),
      { messageId: 'copy-1', claimKey: 'key-1' },
      'free',
    ],
    [
      'busy for the original when the copy has taken it over',
      claimOf({ submissionId: 'submission-1', messageId: 'copy-1', key: 'key-2' }),
      first,
      'busy',
    ],
    [
      'busy for the copy when the original, come again, has taken it anew',
      claimOf({ submissionId: 'submission-1', messageId: 'submission-1', key: 'key-2' }),
      { messageId: 'copy-1', claimKey: 'key-1' },
      'busy',
    ],
    [
      'busy for a second message of the submission that never held it',
      claimOf({ submissionId: 'submission-1', messageId: 'submission-1' }),
      { messageId: 'twin-1' },
      'busy',
    ],
  ])('leaves the alert %s', (_, claim, identity, kind) => {
    expect(decideClaim(stateOf({ claim }), submissionOf(), identity, rules, seenAt).kind).toBe(kind);
  });

  test('that lasts says until when', () => {
    expect(decideClaim(stateOf({ claim: claimOf() }), submissionOf(), first, rules, seenAt)).toEqual({
      kind: 'busy',
      until: laterBy(9_000),
    });
  });
});

describe('a stored answer', () => {
  const refresh = { refresh: true };
  const old = { retrievedAt: laterBy(-15 * MINUTE_MS) };
  const sinceReceived = { retrievedAt: seenAt };

  test.each<[string, Partial<StoredAnswer>, Partial<Submission>, { reuseForMs: number }, boolean]>([
    ['serves while it is fresh', {}, {}, rules, true],
    ['serves no longer than it is fresh', old, {}, rules, false],
    ['serves nobody who asks for a new one', {}, refresh, rules, false],
    ['serves nobody while reuse is off', {}, {}, off, false],
    ['serves whoever asked before it was retrieved', sinceReceived, {}, rules, true],
    ['serves whoever asked for a new one before it was retrieved', sinceReceived, refresh, rules, true],
    ['serves nobody while reuse is off, not even who asked before', sinceReceived, {}, off, false],
    [
      'that the alert is unknown serves whoever asked before',
      { ...sinceReceived, outcome: 'not_found' },
      {},
      rules,
      true,
    ],
    ['that the alert is unknown serves nobody who asks later', { outcome: 'not_found' }, {}, rules, false],
    ['that is a failure serves nobody else', { ...sinceReceived, outcome: 'failed' }, {}, rules, false],
    [
      'without a time of retrieval serves nobody else',
      { retrievedAt: null, outcome: 'failed' },
      {},
      rules,
      false,
    ],
    ['of our own serves us for ever', { ...old, submissionId: 'submission-1' }, {}, rules, true],
    [
      'of our own serves us though we asked for a new one',
      { ...old, submissionId: 'submission-1' },
      refresh,
      rules,
      true,
    ],
    ['of our own serves us while reuse is off', { submissionId: 'submission-1' }, {}, off, true],
    [
      'of our own serves us when it is a failure',
      { submissionId: 'submission-1', outcome: 'failed', retrievedAt: null },
      {},
      rules,
      true,
    ],
  ])('%s', (_, answerChanges, submissionChanges, reuse, serves) => {
    const answer = answerOf(answerChanges);
    const standing = decideClaim(stateOf({ answer }), submissionOf(submissionChanges), first, reuse, seenAt);
    expect(standing).toEqual(serves ? { kind: 'answered', answer } : { kind: 'free' });
  });

  test('serves although somebody looks the alert up again', () => {
    const state = stateOf({ claim: claimOf(), answer: answerOf({}) });
    expect(decideClaim(state, submissionOf(), first, rules, seenAt).kind).toBe('answered');
    expect(decideClaim(state, submissionOf({ refresh: true }), first, rules, seenAt).kind).toBe('busy');
  });

  test('of our own is left to the message that is about to publish it', () => {
    const claim = claimOf({ submissionId: 'submission-1', messageId: 'submission-1' });
    const state = stateOf({ claim, answer: answerOf({ submissionId: 'submission-1' }) });
    expect(decideClaim(state, submissionOf(), first, rules, seenAt).kind).toBe('answered');
    expect(decideClaim(state, submissionOf(), { messageId: 'twin-1' }, rules, seenAt).kind).toBe('busy');
    expect(decideClaim(state, submissionOf(), { messageId: 'twin-1' }, rules, claim.expiresAt).kind).toBe(
      'answered',
    );
  });
});

test('a submission that was published is done, whatever else the record says', () => {
  const state = stateOf({
    published: ['another', 'submission-1'],
    answer: answerOf({}),
    claim: claimOf(),
  });
  expect(decideClaim(state, submissionOf({ refresh: true }), first, rules, seenAt)).toEqual({
    kind: 'published',
  });
});

describe('what is published for a submission is sure', () => {
  const fresh = answerOf({});

  test.each<[string, Partial<AlertState>, boolean]>([
    ['when it has been published', { answer: fresh, published: ['submission-1'] }, true],
    ['when its own answer is stored', { answer: answerOf({ submissionId: 'submission-1' }) }, true],
    ['when the alert was looked up since it came', { answer: answerOf({ retrievedAt: seenAt }) }, true],
    ['not when an answer may no longer be fresh in its turn', { answer: fresh }, false],
    ['not without an answer', { published: ['submission-1'] }, false],
  ])('%s', (_, state, isSure) => {
    expect(answerFor(stateOf(state), submissionOf(), rules)).toEqual(isSure ? state.answer : undefined);
  });
});
