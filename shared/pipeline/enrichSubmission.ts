import { normalizeMachine } from '../device/normalize.ts';
import { enrichmentOf, type MessageOptions, type StoredAnswer } from '../enrichment/answer.ts';
import type { EnrichmentError, Outcome } from '../enrichment/enrichment.ts';
import type { Bearer } from '../intake/bearer.ts';
import type { Submission } from '../intake/submission.ts';
import type { FormatName } from '../projections/formats.ts';
import { project } from '../projections/projections.ts';
import type { Source } from '../sources/source.ts';
import type { AlertRecord, AlertRecords } from './alertRecords.ts';
import { type Claim, type ClaimRules, standingOf } from './claim.ts';
import {
  type Decision,
  type DecisionRules,
  type Deferral,
  type DeferralReason,
  decide,
  deferForClaim,
} from './decision.ts';
import type { Outbox } from './outbox.ts';

export interface PipelineDeps {
  records: AlertRecords;
  source: Source;
  outbox: Outbox;
  rules: ClaimRules & DecisionRules & { claimExpiryMs: number };
  message: MessageOptions & { formats: readonly FormatName[] };
  now: () => Date;
  /** Uniform in [0, 1). */
  random: () => number;
  /** A new key, which nobody else has. */
  newClaimKey: () => string;
}

/** How far one delivery of a submission brought it. */
export type Progress =
  | {
      kind: 'final';
      outcome: Outcome;
      reused: boolean;
      attempts: number;
      error?: EnrichmentError | undefined;
      device?: string | undefined;
    }
  | { kind: 'deferred'; reason: DeferralReason; delayMs: number; attempts: number; detail: string }
  /** A second delivery of what was done before. */
  | { kind: 'repeated' };

/** What to do after a claim was tried. */
type Claimed =
  | { kind: 'claimed'; record: AlertRecord; claim: Claim }
  | { kind: 'answered'; record: AlertRecord; answer: StoredAnswer }
  | { kind: 'busy'; until: Date }
  | { kind: 'published' };

/**
 * Takes one submission as far as it can go: claim, look up, store, publish, mark. Each step is recorded before the
 * next one begins, so that a redelivery repeats only what is missing.
 * @throws When our own storage fails: the message is delivered again.
 */
export async function enrichSubmission(
  submission: Submission,
  bearer: Bearer,
  deps: PipelineDeps,
  signal: AbortSignal,
): Promise<Progress> {
  const claimed = await claimAlert(submission, bearer, deps);
  switch (claimed.kind) {
    case 'published':
      return { kind: 'repeated' };
    case 'busy':
      return putBack(deferForClaim(submission, claimed.until, deps.rules, deps.now(), deps.random), deps);
    case 'answered':
      return finish(submission, claimed.record, claimed.answer, deps);
    case 'claimed':
      break;
  }
  const { record, claim } = claimed;
  const { alertId, machineId, inLine = false } = submission;
  const answer = await deps.source.find({ alertId, machineId, inLine }, signal);
  const decision = decide(answer, submission, deps.rules, deps.now(), deps.random);
  if (decision.kind === 'defer') {
    await holdClaim(decision, record, claim, deps);
    return putBack(decision, deps, claim.key);
  }
  const stored = storedAnswer(decision, submission, deps);
  const storedRecord = await storeWhileClaimed(record, claim, stored, deps);
  // Somebody took the claim over because it had expired: begin again, most likely with the answer that they stored.
  if (storedRecord === undefined) return enrichSubmission(submission, bearer, deps, signal);
  return finish(submission, storedRecord, stored, deps);
}

async function claimAlert(submission: Submission, bearer: Bearer, deps: PipelineDeps): Promise<Claimed> {
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

/** When a claim ends that is held through the delay and then through a run. */
function expiryAfter(delayMs: number, { now, rules }: PipelineDeps): Date {
  return new Date(now().getTime() + delayMs + rules.claimExpiryMs);
}

/** Others may have marked what they published since the claim: only a claim taken over makes the answer void. */
async function storeWhileClaimed(
  record: AlertRecord,
  claim: Claim,
  answer: StoredAnswer,
  { records }: PipelineDeps,
): Promise<AlertRecord | undefined> {
  let current: AlertRecord | undefined = record;
  while (current?.state.claim?.key === claim.key) {
    const stored = await records.store(current, answer);
    if (stored !== undefined) return stored;
    current = await records.read(record.alertId);
  }
  return undefined;
}

/** While a submission waits for a second look, others with the same alert need not ask as well. */
async function holdClaim(
  { reason, delayMs }: Deferral,
  record: AlertRecord,
  claim: Claim,
  deps: PipelineDeps,
): Promise<void> {
  if (reason !== 'not_found' && reason !== 'unavailable') return;
  await deps.records.claim(record, { ...claim, expiresAt: expiryAfter(delayMs, deps) });
}

function storedAnswer(
  decision: Exclude<Decision, Deferral>,
  submission: Submission,
  deps: PipelineDeps,
): StoredAnswer {
  const storedAt = deps.now();
  const { submissionId } = submission;
  const common = { submissionId, sourceName: deps.source.name, storedAt, attempts: decision.attempts };
  if (decision.kind === 'enriched') {
    const { machine, retrievedAt } = decision;
    const device = normalizeMachine(machine, retrievedAt);
    const { formats } = deps.message;
    return {
      ...common,
      outcome: 'enriched',
      retrievedAt,
      machine,
      device,
      ...(formats.length > 0 && { formats: project(device, formats, retrievedAt) }),
    };
  }
  const answered = decision.kind === 'not_found' || decision.error.code === 'source_rejected';
  return {
    ...common,
    outcome: decision.kind,
    retrievedAt: answered ? storedAt : null,
    error: decision.error,
  };
}

/** Publishes what is stored, then remembers that: a consumer that gets the message finds the row. */
async function finish(
  submission: Submission,
  record: AlertRecord,
  answer: StoredAnswer,
  deps: PipelineDeps,
): Promise<Progress> {
  const enrichment = enrichmentOf(submission, answer, deps.message);
  if (answer.outcome === 'failed') await bury(submission, answer, deps);
  await deps.outbox.publish(enrichment);
  await markPublished(record, submission.submissionId, deps);
  return {
    kind: 'final',
    outcome: answer.outcome,
    reused: enrichment.reused,
    attempts: enrichment.attempts,
    error: answer.error,
    device: answer.device?.id,
  };
}

async function markPublished(
  record: AlertRecord,
  submissionId: string,
  { records }: PipelineDeps,
): Promise<void> {
  let current: AlertRecord | undefined = record;
  while (current !== undefined && !current.state.published.includes(submissionId)) {
    if ((await records.addPublished(current, submissionId)) !== undefined) return;
    current = await records.read(record.alertId);
  }
}

async function bury(submission: Submission, answer: StoredAnswer, { outbox }: PipelineDeps): Promise<void> {
  await outbox.bury({
    reason: answer.error?.code ?? 'failed',
    detail: answer.error?.message ?? '',
    submission,
    original: submission.alertId,
    attempts: answer.attempts,
    firstSeen: submission.firstSeen,
    deadAt: answer.storedAt.toISOString(),
  });
}

async function putBack(deferral: Deferral, { outbox }: PipelineDeps, claimKey?: string): Promise<Progress> {
  const { reason, delayMs, detail, submission } = deferral;
  await outbox.submit(submission, delayMs, claimKey);
  return { kind: 'deferred', reason, delayMs, attempts: submission.attempts, detail };
}
