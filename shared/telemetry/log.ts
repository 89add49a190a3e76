import type { Progress } from '../pipeline/enrichSubmission.ts';
import type { PollReport } from '../polling/poller.ts';
import type { QuotaReport } from '../quota/quotaReport.ts';
import { isStorageError, storageErrorText } from '../storage/storageError.ts';

/** What the log is told: one event a line, its fields flat, so that queries can name them. */
export type LogEvent =
  | {
      event: 'submission';
      alertId: string;
      submissionId: string;
      correlationId?: string | undefined;
      /** `enriched`, `not_found`, `failed`, `deferred` or `repeated`. */
      result: string;
      attempts: number;
      deferrals: number;
      /** Time this delivery took, in milliseconds. */
      durationMs: number;
      /** Time since the submission was first seen, in milliseconds. */
      ageMs: number;
      reused?: boolean;
      deviceId?: string | undefined;
      /** Why it was put back, or the code of the error. */
      reason?: string | undefined;
      delayMs?: number;
      detail?: string | undefined;
    }
  /** A part of a message that was no alert. */
  | { event: 'rejected'; reason: string; detail: string; alertId?: string | undefined }
  /** A message with several alerts, each submitted on its own. */
  | { event: 'split'; submissions: number; rejections: number }
  /** One pass of the poller. */
  | ({ event: 'poll' } & PollReport)
  /** An order that came by HTTP. */
  | {
      event: 'order';
      orderId: string;
      submissions: number;
      rejections: number;
      notQueued: number;
      /** Why some could not be queued. */
      detail?: string | undefined;
      /** Why the row of one that is queued could not be created. */
      announceDetail?: string | undefined;
    }
  /** A request that ended in an error of ours. */
  | { event: 'request_failed'; function: string; method: string; detail: string }
  /** How the quota stands, about once a minute while there is work. */
  | ({ event: 'quota' } & QuotaReport)
  /** The quota could not be read when its line was due. */
  | { event: 'quota_failed'; detail: string };

export type Log = (event: LogEvent) => void;

export function progressEvent(
  submission: {
    alertId: string;
    submissionId: string;
    correlationId?: string | undefined;
    firstSeen: string;
    deferrals: number;
    attempts: number;
  },
  progress: Progress,
  startedAt: Date,
  endedAt: Date,
): LogEvent {
  const { alertId, submissionId, correlationId, firstSeen, deferrals } = submission;
  const common = {
    event: 'submission' as const,
    alertId,
    submissionId,
    correlationId,
    deferrals,
    durationMs: endedAt.getTime() - startedAt.getTime(),
    ageMs: endedAt.getTime() - new Date(firstSeen).getTime(),
  };
  switch (progress.kind) {
    case 'final':
      return {
        ...common,
        result: progress.outcome,
        attempts: progress.attempts,
        reused: progress.reused,
        deviceId: progress.device,
        reason: progress.error?.code,
        detail: progress.error?.message,
      };
    case 'deferred':
      return {
        ...common,
        result: 'deferred',
        attempts: progress.attempts,
        reason: progress.reason,
        delayMs: Math.round(progress.delayMs),
        detail: progress.detail,
      };
    case 'repeated':
      return { ...common, result: 'repeated', attempts: submission.attempts };
  }
}

const LONGEST = 500;

/** What the log is told of an error: of one of the storage service no addresses, names or signatures. */
export function errorText(error: unknown): string {
  if (isStorageError(error)) return storageErrorText(error);
  return error instanceof Error ? `${error.name}: ${error.message}`.slice(0, LONGEST) : 'unknown';
}
