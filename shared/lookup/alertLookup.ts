import type * as z from 'zod';
import { enrichmentOf, type StoredAnswer } from '../enrichment/answer.ts';
import { type Enrichment, enrichmentSchema } from '../enrichment/enrichment.ts';
import type { Submission } from '../intake/submission.ts';
import type { AlertRecord, AlertRecords, Claim } from '../pipeline/alertRecords.ts';
import { answerFor, type ClaimRules } from '../pipeline/claim.ts';
import { withinTime } from '../promises.ts';
import type { QuotaReport } from '../quota/quotaReport.ts';
import { createAlertWatch } from './alertWatch.ts';

/**
 * What a look-up says about an alert: the enrichment message without what belongs to one submission of it, because the
 * row keeps one answer for all of them. `submissionId` and `attempts` are those of the submission whose look-up brought
 * the answer; its times are `source.retrievedAt` and `enrichedAt`.
 */
export const storedEnrichmentSchema = enrichmentSchema
  .omit({
    correlationId: true,
    metadata: true,
    traceparent: true,
    tracestate: true,
    reused: true,
    receivedAt: true,
  })
  .extend({
    submissionId: enrichmentSchema.shape.submissionId.describe(
      'Names the submission whose look-up brought the answer.',
    ),
    attempts: enrichmentSchema.shape.attempts.describe('Look-ups that this submission took.'),
  });
/** What a look-up says about an alert, as `storedEnrichmentSchema` describes it. */
export type StoredEnrichment = z.infer<typeof storedEnrichmentSchema>;

/**
 * Makes what a look-up says of a stored answer. It always has the summary for people, even if messages leave it out.
 * @param tenantId Undefined for the home tenant.
 */
export function storedEnrichmentOf(
  alertId: string,
  answer: StoredAnswer,
  tenantId?: string,
): StoredEnrichment {
  const { submissionId, attempts, storedAt } = answer;
  const submission = {
    alertId,
    submissionId,
    attempts,
    firstSeen: storedAt.toISOString(),
    notFoundAnswers: 0,
    deferrals: 0,
    tenantId,
  };
  const { reused: _, receivedAt: __, ...stored } = enrichmentOf(submission, answer, { summary: true });
  return stored;
}

/** When an alert that is pending can be expected to be final. */
export interface Expectation {
  /** At the latest, if each alert takes one call and nothing fails; absent when it cannot be told. */
  expectedAt?: Date;
  /** When it is worth asking again, in seconds. */
  retryAfterSeconds: number;
}

/** Shortest and longest pause before a caller asks again (s). */
const SOONEST_SECONDS = 1;
const LATEST_SECONDS = 60;
/** Pause before the next question when nothing is known (s): an answer is as likely in a moment as later. */
const UNKNOWN_SECONDS = 5;

/**
 * When a pending alert can be expected. The line of all alerts tells when its last alert is looked up; the place of one
 * alert in it is not known. Pure.
 * @param report Undefined when the quota could not be read.
 */
export function expectationOf(report: QuotaReport | undefined, now: Date): Expectation {
  if (report === undefined) {
    return { retryAfterSeconds: UNKNOWN_SECONDS };
  }
  const { drainedBy, circuit } = report;
  if (drainedBy !== null) {
    const expectedAt = drainedBy > now ? drainedBy : now;
    return { expectedAt, retryAfterSeconds: secondsUntil(expectedAt, now) };
  }
  return { retryAfterSeconds: circuit === null ? UNKNOWN_SECONDS : secondsUntil(circuit.nextProbe, now) };
}

function secondsUntil(time: Date, now: Date): number {
  const seconds = Math.ceil((time.getTime() - now.getTime()) / 1_000);
  return Math.min(LATEST_SECONDS, Math.max(SOONEST_SECONDS, seconds));
}

/** How an alert stands. */
export type AlertStatus =
  /** It has no row: it was not submitted, or its message waits in the queue and came by another way than an order. */
  | { kind: 'unknown' }
  /** `deferral` says why it was put back, where it is asked about again. */
  | { kind: 'pending'; deferral?: Claim['deferral'] }
  /** The last answer; a newer look-up may be under way. */
  | { kind: 'final'; enrichment: StoredEnrichment };

/** How a submission stands. */
export type SubmissionStatus = { kind: 'pending' } | { kind: 'final'; enrichment: Enrichment };

/** Answers questions about alerts from what is stored. Nothing here makes a call to the source. */
export interface AlertLookup {
  /**
   * How the alert stands, as soon as it is final or the time is up; at once when it is unknown.
   * @throws When the storage service cannot be used.
   */
  find(alertId: string, signal: AbortSignal): Promise<AlertStatus>;
  /**
   * What is published for the submission, as soon as that is sure or the time is up. If the alert is looked up again at
   * that moment, it is the newer answer.
   * @throws When the storage service cannot be used.
   */
  follow(submission: Submission, signal: AbortSignal): Promise<SubmissionStatus>;
  /** When what is pending can be expected. Never throws, and takes two seconds at most. */
  expectation(): Promise<Expectation>;
}

/** Longest wait of a caller for the report on the quota (ms); without the report no time is promised. */
const LONGEST_REPORT_MS = 2_000;

/** What look-ups of one tenant read, and the rules by which a stored answer serves a submission. */
export interface AlertLookupDeps {
  records: Pick<AlertRecords, 'read'>;
  rules: ClaimRules;
  now: () => Date;
  reportQuota: () => Promise<QuotaReport>;
  /** The tenant whose records these are; undefined for the home tenant. */
  tenantId?: string | undefined;
}

/**
 * Answers questions about the alerts of one tenant from its records. Callers that wait for one alert share one reader.
 */
export function createAlertLookup({
  records,
  rules,
  now,
  reportQuota,
  tenantId,
}: AlertLookupDeps): AlertLookup {
  const watch = createAlertWatch(records);
  const answerIn = (record: AlertRecord | undefined, submission: Submission) =>
    record && answerFor(record.state, submission, rules);

  return {
    async find(alertId, signal) {
      // An alert that was never submitted is not waited for.
      const isSettled = (seen: AlertRecord | undefined) =>
        seen === undefined || seen.state.answer !== undefined;
      const record = await watch.until(alertId, isSettled, signal);
      if (record === undefined) {
        return { kind: 'unknown' };
      }
      const { answer, claim } = record.state;
      return answer === undefined
        ? { kind: 'pending', deferral: claim?.deferral }
        : { kind: 'final', enrichment: storedEnrichmentOf(alertId, answer, tenantId) };
    },

    async follow(submission, signal) {
      const record = await watch.until(
        submission.alertId,
        (seen) => answerIn(seen, submission) !== undefined,
        signal,
      );
      const answer = answerIn(record, submission);
      return answer === undefined
        ? { kind: 'pending' }
        : { kind: 'final', enrichment: enrichmentOf(submission, answer, { summary: true }) };
    },

    async expectation() {
      const report = await withinTime<QuotaReport | undefined>(
        reportQuota(),
        LONGEST_REPORT_MS,
        () => undefined,
      ).catch(() => undefined);
      return expectationOf(report, now());
    },
  };
}
