import type { StoredAnswer } from '../enrichment/answer.ts';
import type { Bearer } from '../intake/bearer.ts';
import type { Submission } from '../intake/submission.ts';
import type { AlertRecord, AlertRecords } from './alertRecords.ts';
import { type Claim, type ClaimRules, standingOf } from './claim.ts';
import type { Deferral, DeferralReason } from './decision.ts';

export interface ClaimDeps {
  records: AlertRecords;
  rules: ClaimRules & { claimExpiryMs: number };
  now: () => Date;
  /** A new key, which nobody else has. */
  newClaimKey: () => string;
}

/** What to do after a claim was tried. */
export type Claimed =
  | { kind: 'claimed'; record: AlertRecord; claim: Claim }
  | { kind: 'answered'; record: AlertRecord; answer: StoredAnswer }
  | { kind: 'busy'; until: Date }
  | { kind: 'published' };

/** Claims the alert of a submission for one message, unless there is nothing to look up or somebody else is at it. */
export async function claimAlert(submission: Submission, bearer: Bearer, deps: ClaimDeps): Promise<Claimed> {
  const { records, rules } = deps;
  const { alertId, submissionId } = submission;
  const { messageId } = bearer;
  const key = deps.newClaimKey();
  const newClaim = () => ({ submissionId, messageId, key, expiresAt: expiryAfter(0, deps) });
  // A submission that was here before has a record; a new one most likely has none.
  let mayBeNew = submission.deferrals === 0;
  for (;;) {
    if (mayBeNew) {
      const claim = newClaim();
      const record = await records.create(alertId, claim);
      if (record !== undefined) return { kind: 'claimed', record, claim };
    }
    const record = await records.read(alertId);
    mayBeNew = record === undefined;
    if (record === undefined) continue;
    const standing = standingOf(record.state, submission, bearer, rules, deps.now());
    if (standing.kind === 'answered') return { ...standing, record };
    if (standing.kind !== 'free') return standing;
    const claim = newClaim();
    const claimed = await records.claim(record, claim);
    if (claimed !== undefined) return { kind: 'claimed', record: claimed, claim };
  }
}

/** What is asked again soon, so that others with the same alert had better wait for it. */
const HELD: readonly DeferralReason[] = ['not_found', 'unavailable', 'unusable', 'forbidden'];

/** While a submission waits for a second look, others with the same alert need not ask as well. */
export async function holdClaim(
  { reason, delayMs }: Deferral,
  record: AlertRecord,
  claim: Claim,
  deps: ClaimDeps,
): Promise<void> {
  if (!HELD.includes(reason)) return;
  await deps.records.claim(record, { ...claim, expiresAt: expiryAfter(delayMs, deps) });
}

/** When a claim ends that is held through the delay and then through a run. */
function expiryAfter(delayMs: number, { now, rules }: ClaimDeps): Date {
  return new Date(now().getTime() + delayMs + rules.claimExpiryMs);
}
