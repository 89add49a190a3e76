import type { StoredAnswer } from '../enrichment/answer.ts';
import type { Submission } from '../intake/submission.ts';

/** What the row of an alert says, as far as a claim is concerned. */
export interface AlertState {
  claim: { submissionId: string; expiresAt: Date } | undefined;
  answer: StoredAnswer | undefined;
  /** Submissions whose enrichment has been published, oldest first. */
  published: readonly string[];
}

export interface ClaimRules {
  /** How long an enriched answer serves later submissions too; 0 turns that off. */
  reuseForMs: number;
}

/** What a submission may do about its alert. */
export type Standing =
  /** It is done: this is a second delivery of the message. */
  | { kind: 'published' }
  /** An answer is stored that serves it: publish that, spend no call. */
  | { kind: 'answered'; answer: StoredAnswer }
  /** Another submission is looking the alert up until `until`. */
  | { kind: 'busy'; until: Date }
  /** Claim the alert and look it up. */
  | { kind: 'free' };

export function standingOf(
  state: AlertState,
  submission: Submission,
  rules: ClaimRules,
  now: Date,
): Standing {
  if (state.published.includes(submission.submissionId)) return { kind: 'published' };
  if (state.answer !== undefined && serves(state.answer, submission, rules, now)) {
    return { kind: 'answered', answer: state.answer };
  }
  const { claim } = state;
  if (claim !== undefined && claim.submissionId !== submission.submissionId && claim.expiresAt > now) {
    return { kind: 'busy', until: claim.expiresAt };
  }
  return { kind: 'free' };
}

/**
 * A submission's own answer serves it: it was stored before a crash. Another submission's serves it when the source
 * gave it after this one was received, or, for an enriched one, within `REUSE_FOR` unless a new look-up is asked for.
 */
function serves(
  answer: StoredAnswer,
  submission: Submission,
  { reuseForMs }: ClaimRules,
  now: Date,
): boolean {
  if (answer.submissionId === submission.submissionId) return true;
  if (reuseForMs === 0 || answer.outcome === 'failed' || answer.retrievedAt === null) return false;
  if (answer.retrievedAt >= new Date(submission.firstSeen)) return true;
  const age = now.getTime() - answer.retrievedAt.getTime();
  return answer.outcome === 'enriched' && !submission.refresh && age < reuseForMs;
}
