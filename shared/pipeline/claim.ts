import type { StoredAnswer } from '../enrichment/answer.ts';
import type { Bearer } from '../intake/bearer.ts';
import type { Submission } from '../intake/submission.ts';

/**
 * The right to look an alert up and to publish what was found, until it expires. It belongs to one message, and passes
 * on to the copy that this message puts back: the copy carries the key. So of two messages with the same submission
 * only one looks up.
 */
export interface Claim {
  submissionId: string;
  messageId: string;
  /** New with every claim taken. */
  key: string;
  expiresAt: Date;
}

/** What the row of an alert says, as far as a claim is concerned. */
export interface AlertState {
  claim: Claim | undefined;
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
  /** Another message is looking the alert up until `until`. */
  | { kind: 'busy'; until: Date }
  /** Claim the alert and look it up. */
  | { kind: 'free' };

export function standingOf(
  state: AlertState,
  submission: Submission,
  bearer: Bearer,
  rules: ClaimRules,
  now: Date,
): Standing {
  if (state.published.includes(submission.submissionId)) return { kind: 'published' };
  const { answer, claim } = state;
  const other = claim !== undefined && claim.expiresAt > now && !holds(bearer, claim) ? claim : undefined;
  // Another message of this very submission, left by a crash, is about to publish the answer that it has stored.
  const isTwinAtIt = other?.submissionId === submission.submissionId;
  if (answer !== undefined && !isTwinAtIt && serves(answer, submission, rules, now)) {
    return { kind: 'answered', answer };
  }
  return other === undefined ? { kind: 'free' } : { kind: 'busy', until: other.expiresAt };
}

/**
 * What is published for a submission, as soon as that is sure: it has been, or the answer serves however long the message
 * waits. An answer that serves only while it is fresh may be too old by then.
 */
export function answerFor(
  { answer, published }: AlertState,
  submission: Submission,
  rules: ClaimRules,
): StoredAnswer | undefined {
  if (answer === undefined) return undefined;
  const isSure = published.includes(submission.submissionId) || servesForGood(answer, submission, rules);
  return isSure ? answer : undefined;
}

/** The message that took the claim, come again because its reader died, or the copy that it put back. */
function holds({ messageId, claimKey }: Bearer, claim: Claim): boolean {
  return messageId === claim.messageId || claimKey === claim.key;
}

/**
 * A submission's own answer serves it: it was stored before a crash. Another submission's serves it when the source
 * gave it after this one was received, or, for an enriched one, within `REUSE_FOR` unless a new look-up is asked for.
 */
function serves(answer: StoredAnswer, submission: Submission, rules: ClaimRules, now: Date): boolean {
  return servesForGood(answer, submission, rules) || servesWhileFresh(answer, submission, rules, now);
}

function servesForGood(answer: StoredAnswer, submission: Submission, { reuseForMs }: ClaimRules): boolean {
  if (answer.submissionId === submission.submissionId) return true;
  if (reuseForMs === 0 || answer.outcome === 'failed' || answer.retrievedAt === null) return false;
  return answer.retrievedAt >= new Date(submission.firstSeen);
}

function servesWhileFresh(
  { outcome, retrievedAt }: StoredAnswer,
  { refresh }: Submission,
  { reuseForMs }: ClaimRules,
  now: Date,
): boolean {
  if (reuseForMs === 0 || outcome !== 'enriched' || retrievedAt === null || refresh) return false;
  return now.getTime() - retrievedAt.getTime() < reuseForMs;
}
