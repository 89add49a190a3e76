import type { Machine } from '../device/machine.ts';
import type { EnrichmentError } from '../enrichment/enrichment.ts';
import type { Submission } from '../intake/submission.ts';
import type { SourceAnswer } from '../sources/source.ts';
import { backoffMs } from './backoff.ts';

/** Why a submission is put back. */
export type DeferralReason = 'quota' | 'throttled' | 'denied' | 'not_found' | 'unavailable' | 'claimed';

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
  | { kind: 'enriched'; machine: Machine; retrievedAt: Date; attempts: number }
  | { kind: 'not_found'; error: EnrichmentError; attempts: number }
  | { kind: 'failed'; error: EnrichmentError; attempts: number }
  | Deferral;

export interface DecisionRules {
  /** How long to wait after the first, second, ... 404 before the alert is looked up again. */
  notFoundRetriesMs: readonly number[];
  retryBaseDelayMs: number;
  maxAgeMs: number;
}

/** The failure table as a function. Only answers about the alert itself count as attempts. */
export function decide(
  answer: SourceAnswer,
  submission: Submission,
  rules: DecisionRules,
  now: Date,
  random: () => number,
): Decision {
  const attempts = submission.attempts + 1;
  switch (answer.kind) {
    case 'found':
      return { kind: 'enriched', machine: answer.machine, retrievedAt: answer.retrievedAt, attempts };

    case 'not_found': {
      const delayMs = rules.notFoundRetriesMs[submission.notFoundAnswers];
      if (delayMs === undefined) {
        const message = `Defender knows no such alert, or no device behind it: asked ${attempts} times. ${answer.detail}`;
        return { kind: 'not_found', error: { code: 'not_found', message }, attempts };
      }
      const again = {
        ...submission,
        attempts,
        notFoundAnswers: submission.notFoundAnswers + 1,
        inLine: false,
      };
      return defer('not_found', delayMs, answer.detail, again);
    }

    case 'throttled': {
      const wait = Math.max(0, answer.until.getTime() - now.getTime());
      // A promised turn is paced already; without one, a spread keeps those who were refused from returning together.
      const delayMs = answer.inLine ? wait : wait + random() * rules.retryBaseDelayMs;
      return defer(answer.inLine ? 'quota' : 'throttled', delayMs, answer.detail, {
        ...submission,
        inLine: answer.inLine,
      });
    }

    case 'denied': {
      const wait = Math.max(rules.retryBaseDelayMs, answer.until.getTime() - now.getTime());
      return defer('denied', wait * (1 + random()), answer.detail, submission);
    }

    case 'unavailable': {
      const age = now.getTime() - new Date(submission.firstSeen).getTime();
      if (age > rules.maxAgeMs) {
        const message = `Defender gave no usable answer in ${attempts} attempts. The last one: ${answer.detail}`;
        return { kind: 'failed', error: { code: 'source_unavailable', message }, attempts };
      }
      const delayMs = backoffMs(rules.retryBaseDelayMs, submission.attempts, random);
      return defer('unavailable', delayMs, answer.detail, { ...submission, attempts, inLine: false });
    }

    case 'rejected': {
      const tracking = answer.target === undefined ? '' : ` (tracking ID ${answer.target})`;
      const message = `Defender refused the look-up: ${answer.code}: ${answer.message}${tracking}`;
      return { kind: 'failed', error: { code: 'source_rejected', message }, attempts };
    }
  }
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

/** Another submission is looking the same alert up: come back when it may be done, later each time. */
export function deferForClaim(
  submission: Submission,
  until: Date,
  rules: DecisionRules,
  now: Date,
  random: () => number,
): Deferral {
  const longest = Math.max(0, until.getTime() - now.getTime());
  const delayMs = Math.min(longest, backoffMs(rules.retryBaseDelayMs, submission.deferrals, random));
  return defer('claimed', delayMs, 'another submission is looking the same alert up', submission);
}
