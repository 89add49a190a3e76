import { withinTime } from '../async/withinTime.ts';
import { enrichmentOf } from '../enrichment/answer.ts';
import type { Enrichment } from '../enrichment/enrichment.ts';
import type { Submission } from '../intake/submission.ts';
import type { AlertRecord, AlertRecords } from '../pipeline/alertRecords.ts';
import { answerFor, type ClaimRules } from '../pipeline/claim.ts';
import type { QuotaReport } from '../quota/quotaReport.ts';
import { createAlertWatch } from './alertWatch.ts';
import { type Expectation, expectationOf } from './expectation.ts';
import { type StoredEnrichment, storedEnrichmentOf } from './storedEnrichment.ts';

/** How an alert stands. */
export type AlertStanding =
  /** It has no row: nobody has submitted it, or its message waits in the queue and came by another way than an order. */
  | { kind: 'unknown' }
  | { kind: 'pending' }
  /** The last answer; a newer look-up may be under way. */
  | { kind: 'final'; enrichment: StoredEnrichment };

/** How a submission stands. */
export type SubmissionStanding = { kind: 'pending' } | { kind: 'final'; enrichment: Enrichment };

/** Answers questions about alerts from what is stored. Nothing here makes a call to the source. */
export interface AlertLookup {
  /**
   * How the alert stands, once it is final or the time is up; at once when nobody knows it.
   * @throws When the storage service cannot be used.
   */
  find(alertId: string, signal: AbortSignal): Promise<AlertStanding>;
  /**
   * What is published for the submission, once that is sure or the time is up. An alert that is looked up again at that
   * very moment brings the newer answer.
   * @throws When the storage service cannot be used.
   */
  follow(submission: Submission, signal: AbortSignal): Promise<SubmissionStanding>;
  /** When what is pending can be expected. Never throws, and takes two seconds at most. */
  expectation(): Promise<Expectation>;
}

/** Nobody is kept longer for a report on the quota: without it no time is promised, and that is all. */
const LONGEST_REPORT_MS = 2_000;

export interface AlertLookupDeps {
  records: Pick<AlertRecords, 'read'>;
  rules: ClaimRules;
  now: () => Date;
  reportQuota: () => Promise<QuotaReport>;
}

export function createAlertLookup({ records, rules, now, reportQuota }: AlertLookupDeps): AlertLookup {
  const watch = createAlertWatch(records);
  const answerIn = (record: AlertRecord | undefined, submission: Submission) =>
    record && answerFor(record.state, submission, rules);

  return {
    async find(alertId, signal) {
      // Nobody waits for an alert that nobody has submitted.
      const isSettled = (seen: AlertRecord | undefined) =>
        seen === undefined || seen.state.answer !== undefined;
      const record = await watch.until(alertId, isSettled, signal);
      if (record === undefined) return { kind: 'unknown' };
      const { answer } = record.state;
      return answer === undefined
        ? { kind: 'pending' }
        : { kind: 'final', enrichment: storedEnrichmentOf(alertId, answer) };
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
