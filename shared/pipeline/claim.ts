import type { StoredAnswer } from '../enrichment/answer.ts';
import type { MessageIdentity } from '../intake/queueMessage.ts';
import type { Submission } from '../intake/submission.ts';
import type { AlertRecord, AlertRecords, AlertState, Claim } from './alertRecords.ts';
import type { Deferral, DeferralReason } from './decision.ts';

/** When stored answers serve. */
export interface ClaimRules {
  /** How long an enriched answer serves later submissions too; 0 turns that off. */
  reuseForMs: number;
}

/** What a submission may do about its alert. */
export type ClaimDecision =
  /** It is done: this is a second delivery of the message. */
  | { kind: 'published' }
  /** An answer is stored that serves it: publish that, spend no call. */
  | { kind: 'answered'; answer: StoredAnswer }
  /** Another message is looking the alert up until `until`. */
  | { kind: 'busy'; until: Date }
  /** Claim the alert and look it up. */
  | { kind: 'free' };

/** Decides whether a submission may look its alert up, from the alert's row. Pure. */
export function decideClaim(
  state: AlertState,
  submission: Submission,
  identity: MessageIdentity,
  rules: ClaimRules,
  now: Date,
): ClaimDecision {
  if (state.published.includes(submission.submissionId)) {
    return { kind: 'published' };
  }
  const { answer, claim } = state;
  const other = claim !== undefined && claim.expiresAt > now && !holds(identity, claim) ? claim : undefined;
  // Another message of this very submission, left by a crash, is about to publish the answer that it has stored.
  const isTwinAtIt = other?.submissionId === submission.submissionId;
  if (answer !== undefined && !isTwinAtIt && serves(answer, submission, rules, now)) {
    return { kind: 'answered', answer };
  }
  return other === undefined ? { kind: 'free' } : { kind: 'busy', until: other.expiresAt };
}

/**
 * The answer that a submission is certain to get; undefined while another one is possible. It is certain when it was
 * published, or when it does not depend on `REUSE_FOR`: an answer that serves only while it is fresh may be too old by the
 * time the message comes.
 */
export function answerFor(
  { answer, published }: AlertState,
  submission: Submission,
  rules: ClaimRules,
): StoredAnswer | undefined {
  if (answer === undefined) {
    return undefined;
  }
  const isSure = published.includes(submission.submissionId) || servesForGood(answer, submission, rules);
  return isSure ? answer : undefined;
}

/** Whether the message took this claim (it comes again when its reader died), or is the copy that was put back. */
function holds({ messageId, claimKey }: MessageIdentity, claim: Claim): boolean {
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
  if (answer.submissionId === submission.submissionId) {
    return true;
  }
  if (reuseForMs === 0 || answer.outcome === 'failed' || answer.retrievedAt === null) {
    return false;
  }
  return answer.retrievedAt >= new Date(submission.firstSeen);
}

function servesWhileFresh(
  { outcome, retrievedAt }: StoredAnswer,
  { refresh }: Submission,
  { reuseForMs }: ClaimRules,
  now: Date,
): boolean {
  if (reuseForMs === 0 || outcome !== 'enriched' || retrievedAt === null || refresh) {
    return false;
  }
  return now.getTime() - retrievedAt.getTime() < reuseForMs;
}

export interface ClaimDeps {
  records: AlertRecords;
  rules: ClaimRules & { claimExpiryMs: number };
  now: () => Date;
  /** A new key, unique among all claims. */
  newClaimKey: () => string;
}

/** What to do after a claim was tried. */
export type Claimed =
  | { kind: 'claimed'; record: AlertRecord; claim: Claim }
  | { kind: 'answered'; record: AlertRecord; answer: StoredAnswer }
  | { kind: 'busy'; until: Date }
  | { kind: 'published' };

/** Claims the alert of a submission for one message, unless there is nothing to look up or another message holds it. */
export async function claimAlert(
  submission: Submission,
  identity: MessageIdentity,
  deps: ClaimDeps,
): Promise<Claimed> {
  const { records, rules } = deps;
  const { alertId, submissionId } = submission;
  const { messageId } = identity;
  const key = deps.newClaimKey();
  const newClaim = () => ({ submissionId, messageId, key, expiresAt: expiryAfter(0, deps) });
  // A submission that was here before has a record; a new one most likely has none.
  let mayBeNew = submission.deferrals === 0;
  for (;;) {
    if (mayBeNew) {
      const claim = newClaim();
      const record = await records.create(alertId, claim);
      if (record !== undefined) {
        return { kind: 'claimed', record, claim };
      }
    }
    const record = await records.read(alertId);
    mayBeNew = record === undefined;
    if (record === undefined) {
      continue;
    }
    const decision = decideClaim(record.state, submission, identity, rules, deps.now());
    if (decision.kind === 'answered') {
      return { ...decision, record };
    }
    if (decision.kind !== 'free') {
      return decision;
    }
    const claim = newClaim();
    const claimed = await records.claim(record, claim);
    if (claimed !== undefined) {
      return { kind: 'claimed', record: claimed, claim };
    }
  }
}

/** Reasons for which the claim is kept during the delay, so that other submissions of the alert make no call. */
const HELD: readonly DeferralReason[] = ['not_found', 'unavailable', 'unusable', 'forbidden'];

/** Keeps the claim while the submission waits for its next look-up, if the reason is one of those. */
export async function holdClaim(
  { reason, delayMs, detail }: Deferral,
  record: AlertRecord,
  claim: Claim,
  deps: ClaimDeps,
): Promise<void> {
  if (!HELD.includes(reason)) {
    return;
  }
  const deferral = { reason, detail };
  await deps.records.claim(record, { ...claim, expiresAt: expiryAfter(delayMs, deps), deferral });
}

/** When a claim ends that is held through the delay and then through a run. */
function expiryAfter(delayMs: number, { now, rules }: ClaimDeps): Date {
  return new Date(now().getTime() + delayMs + rules.claimExpiryMs);
}
