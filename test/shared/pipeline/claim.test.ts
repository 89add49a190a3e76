import { describe, expect, test } from 'vitest';
import type { StoredAnswer } from '../../../shared/enrichment/answer.ts';
import type { Submission } from '../../../shared/intake/submission.ts';
import { type AlertState, standingOf } from '../../../shared/pipeline/claim.ts';
import { laterBy, seenAt, submissionOf } from './submissions.ts';

const MINUTE_MS = 60_000;
const rules = { reuseForMs: 15 * MINUTE_MS };
const off = { reuseForMs: 0 };

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
    ['free when there is none', undefined, 'free'],
    [
      'free when it is our own, from before a crash',
      { submissionId: 'submission-1', expiresAt: laterBy(9_000) },
      'free',
    ],
    ['busy while another one lasts', { submissionId: 'another', expiresAt: laterBy(1) }, 'busy'],
    ['free when another one has expired', { submissionId: 'another', expiresAt: seenAt }, 'free'],
    ['free when it was given up', { submissionId: '', expiresAt: new Date(0) }, 'free'],
  ])('leaves the alert %s', (_, claim, kind) => {
    expect(standingOf(stateOf({ claim }), submissionOf(), rules, seenAt).kind).toBe(kind);
  });

  test('that lasts says until when', () => {
    const claim = { submissionId: 'another', expiresAt: laterBy(9_000) };
    expect(standingOf(stateOf({ claim }), submissionOf(), rules, seenAt)).toEqual({
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
    const standing = standingOf(stateOf({ answer }), submissionOf(submissionChanges), reuse, seenAt);
    expect(standing).toEqual(serves ? { kind: 'answered', answer } : { kind: 'free' });
  });

  test('serves although somebody looks the alert up again', () => {
    const claim = { submissionId: 'another', expiresAt: laterBy(9_000) };
    const state = stateOf({ claim, answer: answerOf({}) });
    expect(standingOf(state, submissionOf(), rules, seenAt).kind).toBe('answered');
    expect(standingOf(state, submissionOf({ refresh: true }), rules, seenAt).kind).toBe('busy');
  });
});

test('a submission that was published is done, whatever else the record says', () => {
  const state = stateOf({
    published: ['another', 'submission-1'],
    answer: answerOf({}),
    claim: { submissionId: 'another', expiresAt: laterBy(9_000) },
  });
  expect(standingOf(state, submissionOf({ refresh: true }), rules, seenAt)).toEqual({ kind: 'published' });
});
