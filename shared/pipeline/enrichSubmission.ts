import type { FormatName } from '../config/outputSettings.ts';
import { normalizeMachine } from '../device/normalize.ts';
import { enrichmentOf, type MessageOptions, type StoredAnswer } from '../enrichment/answer.ts';
import type { EnrichmentError, Outcome } from '../enrichment/enrichment.ts';
import type { MessageIdentity } from '../intake/queueMessage.ts';
import type { Submission } from '../intake/submission.ts';
import { project } from '../projections/projections.ts';
import type { Source } from '../sources/source.ts';
import { span } from '../telemetry/telemetry.ts';
import type { AlertRecord, Claim } from './alertRecords.ts';
import { type ClaimDeps, claimAlert, holdClaim } from './claim.ts';
import {
  type Decision,
  type DecisionRules,
  type Deferral,
  type DeferralReason,
  decide,
  deferForClaim,
  deferForStorage,
} from './decision.ts';
import type { Outbox } from './outbox.ts';

/** What the pipeline of one tenant works with. */
export interface PipelineDeps extends ClaimDeps {
  source: Source;
  outbox: Outbox;
  rules: ClaimDeps['rules'] & DecisionRules;
  message: MessageOptions & { formats: readonly FormatName[] };
  /** What is wrong with our own storage, for a person; undefined for any other error. */
  storageFault: (error: unknown) => string | undefined;
  /** Uniform in [0, 1). */
  random: () => number;
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

/**
 * Takes one submission as far as it can go: claim, look up, store, publish, record that. Each step is recorded before the
 * next one begins, so that a redelivery repeats only what is missing. When a table or the ledger cannot be used, the
 * submission is put back: the host gives up a message after five deliveries, and an outage lasts longer than those.
 * @throws When the queue cannot be used either: the message is delivered again.
 */
export async function enrichSubmission(
  submission: Submission,
  identity: MessageIdentity,
  deps: PipelineDeps,
  signal: AbortSignal,
): Promise<Progress> {
  const held: { claim?: Claim } = {};
  try {
    return await advance(submission, identity, held, deps, signal);
  } catch (error) {
    const fault = deps.storageFault(error);
    if (fault === undefined) {
      throw error;
    }
    return putBack(deferForStorage(submission, fault, deps.rules, deps.random), deps, held.claim?.key);
  }
}

/** @param held Takes the claim, for the copy that is put back when a later step fails. */
async function advance(
  submission: Submission,
  identity: MessageIdentity,
  held: { claim?: Claim },
  deps: PipelineDeps,
  signal: AbortSignal,
): Promise<Progress> {
  const claimed = await span('claim', {}, async (claim) => {
    const result = await claimAlert(submission, identity, deps);
    claim.set({ 'alert_enrichment.result': result.kind });
    return result;
  });
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
  held.claim = claim;
  const { alertId, machineId, inLine = false, refresh = false, deferrals } = submission;
  const firstSeen = new Date(submission.firstSeen);
  const reference = { alertId, machineId, inLine, refresh, firstSeen, isReturning: deferrals > 0 };
  const answer = await span('look up', {}, async (lookUp) => {
    const result = await deps.source.find(reference, signal);
    lookUp.set({ 'alert_enrichment.result': result.kind });
    return result;
  });
  const decision = decide(answer, submission, deps.rules, deps.now(), deps.random, deps.source.name);
  if (decision.kind === 'defer') {
    await holdClaim(decision, record, claim, deps);
    return putBack(decision, deps, claim.key);
  }
  const stored = storedAnswerOf(decision, {
    submissionId: submission.submissionId,
    sourceName: deps.source.name,
    storedAt: deps.now(),
    formats: deps.message.formats,
  });
  const storedRecord = await span('store', {}, () => storeWhileClaimed(record, claim, stored, deps));
  // The claim had expired and another message took it over: begin again, most likely with the answer that it stored.
  if (storedRecord === undefined) {
    return advance(submission, identity, held, deps, signal);
  }
  return finish(submission, storedRecord, stored, deps);
}

/**
 * Stores the answer while the claim is ours. It tries again when another message has only recorded a publication.
 * @returns Undefined when another message took the claim over.
 */
async function storeWhileClaimed(
  record: AlertRecord,
  claim: Claim,
  answer: StoredAnswer,
  { records }: PipelineDeps,
): Promise<AlertRecord | undefined> {
  let current: AlertRecord | undefined = record;
  while (current?.state.claim?.key === claim.key) {
    const stored = await records.store(current, answer);
    if (stored !== undefined) {
      return stored;
    }
    current = await records.read(record.alertId);
  }
  return undefined;
}

/** Publishes what is stored, then remembers that: a consumer that gets the message finds the row. */
async function finish(
  submission: Submission,
  record: AlertRecord,
  answer: StoredAnswer,
  deps: PipelineDeps,
): Promise<Progress> {
  const enrichment = enrichmentOf(submission, answer, deps.message);
  if (answer.outcome === 'failed') {
    await bury(submission, answer, deps);
  }
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

/**
 * Records the publication. A fault of storage is ignored: another delivery would publish a second time, and without the
 * record the claim expires.
 */
async function markPublished(
  record: AlertRecord,
  submissionId: string,
  { records, storageFault }: PipelineDeps,
): Promise<void> {
  try {
    let current: AlertRecord | undefined = record;
    while (current !== undefined && !current.state.published.includes(submissionId)) {
      if ((await records.addPublished(current, submissionId)) !== undefined) {
        return;
      }
      current = await records.read(record.alertId);
    }
  } catch (error) {
    if (storageFault(error) === undefined) {
      throw error;
    }
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

/**
 * Puts a deferred submission back into the input queue.
 * @param claimKey The key of the claim that passes on to the copy.
 * @throws When the queue cannot be used.
 */
export async function putBack(
  deferral: Deferral,
  { outbox }: Pick<PipelineDeps, 'outbox'>,
  claimKey?: string,
): Promise<Progress> {
  const { reason, delayMs, detail, submission } = deferral;
  await outbox.submit(submission, delayMs, claimKey);
  return { kind: 'deferred', reason, delayMs, attempts: submission.attempts, detail };
}

/** What is stored about an alert when its look-up came to an end: the machine normalized, in all forms asked for. */
export function storedAnswerOf(
  decision: Exclude<Decision, Deferral>,
  {
    formats,
    ...origin
  }: { submissionId: string; sourceName: string; storedAt: Date; formats: readonly FormatName[] },
): StoredAnswer {
  const common = { ...origin, attempts: decision.attempts };
  if (decision.kind === 'enriched') {
    const { source, machine, retrievedAt, unavailable, bulk } = decision;
    const device = normalizeMachine(machine, retrievedAt);
    return {
      ...common,
      outcome: 'enriched',
      sourceName: source,
      retrievedAt,
      ...(unavailable.length > 0 && { unavailable }),
      ...(bulk && { bulk }),
      machine,
      device,
      ...(formats.length > 0 && { formats: project(device, formats, retrievedAt) }),
    };
  }
  const isAnswered = decision.kind === 'not_found' || decision.error.code === 'source_rejected';
  return {
    ...common,
    outcome: decision.kind,
    retrievedAt: isAnswered ? origin.storedAt : null,
    error: decision.error,
  };
}
