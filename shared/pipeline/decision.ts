import type { Machine } from '../device/machine.ts';
import type { EnrichmentError } from '../enrichment/enrichment.ts';
import type { Submission } from '../intake/submission.ts';
import { SOURCE_LABELS, type SourceAnswer, type SourceName } from '../sources/source.ts';

/** Why a submission is put back. */
export type DeferralReason =
  | 'quota'
  | 'throttled'
  | 'denied'
  | 'not_found'
  | 'unavailable'
  | 'unusable'
  | 'forbidden'
  | 'interrupted'
  | 'claimed'
  | 'crowded'
  | 'storage';

export interface Deferral {
  kind: 'defer';
  reason: DeferralReason;
  delayMs: number;
  /** For a person: what it waits for. */
  detail: string;
  /** The submission as it goes back into the queue. */
  submission: Submission;
}

/** What to do with a submission now that the source has answered. */
export type Decision =
  | {
      kind: 'enriched';
      source: SourceName;
      machine: Machine;
      retrievedAt: Date;
      unavailable: readonly string[];
      bulk?: true | undefined;
      attempts: number;
    }
  | { kind: 'not_found'; error: EnrichmentError; attempts: number }
  | { kind: 'failed'; error: EnrichmentError; attempts: number }
  | Deferral;

export interface DecisionRules {
  /** How long to wait after the first, second, ... 404 before the alert is looked up again. */
  notFoundRetriesMs: readonly number[];
  retryBaseDelayMs: number;
  /** How long look-ups of an alert may fail in a row before it is given up. */
  maxAgeMs: number;
}

/**
 * Decides what becomes of a submission after one look-up, as the failure table says. Pure. `wait`, `denied` and
 * `interrupted` count no attempt; every other answer counts one.
 */
export function decide(
  answer: SourceAnswer,
  submission: Submission,
  rules: DecisionRules,
  now: Date,
  random: () => number,
  source: SourceName,
): Decision {
  const label = SOURCE_LABELS[source];
  const attempts = submission.attempts + 1;
  switch (answer.kind) {
    case 'found': {
      const { source: name, machine, retrievedAt, unavailable, bulk } = answer;
      const told = { source: name, machine, retrievedAt, unavailable };
      return { kind: 'enriched', ...told, ...(bulk && { bulk }), attempts };
    }

    case 'not_found': {
      const delayMs = rules.notFoundRetriesMs[submission.notFoundAnswers];
      if (answer.isCertain) {
        return { kind: 'not_found', error: { code: 'not_found', message: answer.detail }, attempts };
      }
      if (delayMs === undefined) {
        const message = `${label} knows no such alert, or no device behind it: asked ${attempts} times. ${answer.detail}`;
        return { kind: 'not_found', error: { code: 'not_found', message }, attempts };
      }
      const { failing: _, ...rest } = submission;
      const again = { ...rest, attempts, notFoundAnswers: submission.notFoundAnswers + 1, inLine: false };
      return defer('not_found', delayMs, answer.detail, again);
    }

    case 'wait': {
      const waitMs = Math.max(0, answer.until.getTime() - now.getTime());
      // A promised turn is paced already; without one, a spread keeps refused submissions from returning together.
      const delayMs = answer.inLine ? waitMs : waitMs + random() * rules.retryBaseDelayMs;
      return defer(answer.reason, delayMs, answer.detail, {
        ...waited(submission, delayMs),
        inLine: answer.inLine,
      });
    }

    case 'denied': {
      const waitMs = Math.max(rules.retryBaseDelayMs, answer.until.getTime() - now.getTime());
      const delayMs = waitMs * (1 + random());
      return defer('denied', delayMs, answer.detail, waited(submission, delayMs));
    }

    case 'interrupted': {
      const delayMs = random() * rules.retryBaseDelayMs;
      return defer('interrupted', delayMs, answer.detail, { ...waited(submission, delayMs), inLine: false });
    }

    case 'unavailable': {
      const again = failedOnce(submission, answer.kind, now);
      if (isTooOld(again, rules, now)) {
        return givenUp(label, 'source_unavailable', answer.detail, attempts);
      }
      const pauseMs = backoffMs(rules.retryBaseDelayMs, submission.attempts, random);
      const delayMs = Math.max(pauseMs, Math.min(LONGEST_DELAY_MS, answer.retryAfterMs ?? 0));
      return defer('unavailable', delayMs, answer.detail, again);
    }

    case 'unusable':
    case 'forbidden': {
      const again = failedOnce(submission, answer.kind, now);
      const { count } = again.failing;
      if (count >= MOST_SAME_FAILURES || isTooOld(again, rules, now)) {
        const code = answer.kind === 'unusable' ? 'source_answer_unusable' : 'source_forbidden';
        return givenUp(label, code, answer.detail, attempts);
      }
      // The same is to be expected again: four times as long each time, the later half of it by chance.
      const delayMs =
        Math.min(LONGEST_DELAY_MS, rules.retryBaseDelayMs * 4 ** (count - 1)) * (0.5 + random() / 2);
      return defer(answer.kind, delayMs, answer.detail, again);
    }

    case 'rejected': {
      const tracking = answer.target === undefined ? '' : ` (tracking ID ${answer.target})`;
      const message = `${label} refused the look-up: ${answer.code}: ${answer.message}${tracking}`;
      return { kind: 'failed', error: { code: 'source_rejected', message }, attempts };
    }
  }
}

/** After this many answers of one kind in a row, which another look-up is not likely to change, the last one is final. */
const MOST_SAME_FAILURES = 5;

/** The submission after one more failed look-up. */
function failedOnce(submission: Submission, answer: NonNullable<Submission['failing']>['answer'], now: Date) {
  const before = submission.failing;
  const failing = {
    since: before?.since ?? now.toISOString(),
    answer,
    count: before?.answer === answer ? before.count + 1 : 1,
  };
  return { ...submission, attempts: submission.attempts + 1, failing, inLine: false };
}

/** Time that an alert waits for quota, a role or our own fault is no time in which its look-up failed. */
function waited(submission: Submission, delayMs: number): Submission {
  const { failing } = submission;
  if (failing === undefined) {
    return submission;
  }
  const since = new Date(Date.parse(failing.since) + delayMs).toISOString();
  return { ...submission, failing: { ...failing, since } };
}

function isTooOld(
  { failing }: ReturnType<typeof failedOnce>,
  { maxAgeMs }: DecisionRules,
  now: Date,
): boolean {
  return now.getTime() - Date.parse(failing.since) > maxAgeMs;
}

function givenUp(label: string, code: string, detail: string, attempts: number): Decision {
  const message = `${label} gave no usable answer in ${attempts} attempts. The last one: ${detail}`;
  return { kind: 'failed', error: { code, message }, attempts };
}

function defer(reason: DeferralReason, delayMs: number, detail: string, submission: Submission): Deferral {
  return {
    kind: 'defer',
    reason,
    delayMs,
    detail,
    submission: { ...submission, deferrals: submission.deferrals + 1 },
  };
}

/** Storage is most likely back after a restart or a fail-over; so the delay stays short. */
const LONGEST_STORAGE_DELAY_MS = 5 * 60_000;

/** Defers because a table or the ledger cannot be used. The delay doubles, up to five minutes; no attempt is counted. */
export function deferForStorage(
  submission: Submission,
  detail: string,
  rules: DecisionRules,
  random: () => number,
): Deferral {
  const grownMs = rules.retryBaseDelayMs * 2 ** Math.min(submission.deferrals, 20);
  const delayMs = Math.min(LONGEST_STORAGE_DELAY_MS, grownMs) * (0.5 + random() / 2);
  return defer('storage', delayMs, detail, waited(submission, delayMs));
}

/** Delays of queue messages have whole seconds. */
const SOONEST_MS = 1_000;
/** The delay of a submission that found no place doubles this often at most. */
const MOST_CROWDED_DOUBLINGS = 3;

/**
 * Defers because the bulkhead has no place for the tenant in this process. A submission whose turn in the quota has come is
 * put back for one second at most, since its slot is lost when it is late.
 */
export function deferForPlace(submission: Submission, rules: DecisionRules, random: () => number): Deferral {
  const doublings = Math.min(submission.deferrals, MOST_CROWDED_DOUBLINGS);
  const grownMs = rules.retryBaseDelayMs * 2 ** doublings * (0.5 + random() / 2);
  const delayMs = submission.inLine ? Math.min(grownMs, SOONEST_MS) : grownMs;
  const detail = 'as many alerts of the tenant are being looked up as may be in this process';
  return defer('crowded', delayMs, detail, waited(submission, delayMs));
}

/** Defers because the ID of the home tenant is not known, so the alert's tenant cannot be told. */
export function deferForTenant(
  submission: Submission,
  detail: string,
  rules: DecisionRules,
  random: () => number,
): Deferral {
  return { ...deferForStorage(submission, detail, rules, random), reason: 'denied' };
}

/** Defers because another submission looks the same alert up. The delay grows, but ends with that one's claim. */
export function deferForClaim(
  submission: Submission,
  until: Date,
  rules: DecisionRules,
  now: Date,
  random: () => number,
): Deferral {
  const longestMs = Math.max(0, until.getTime() - now.getTime());
  const delayMs = Math.min(longestMs, backoffMs(rules.retryBaseDelayMs, submission.deferrals, random));
  return defer('claimed', delayMs, 'another submission is looking the same alert up', submission);
}

/** The longest delay between two look-ups of a submission. */
export const LONGEST_DELAY_MS = 15 * 60_000;

/** A delay of up to `base` doubled `attempts` times, any part of it equally likely (full jitter), in milliseconds. */
export function backoffMs(baseMs: number, attempts: number, random: () => number): number {
  return random() * Math.min(LONGEST_DELAY_MS, baseMs * 2 ** attempts);
}
