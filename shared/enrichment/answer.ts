import type { Device } from '../device/device.ts';
import type { Machine } from '../device/machine.ts';
import type { Submission } from '../intake/submission.ts';
import { deviceSummary, failureSummary, type Summary } from '../summary/summary.ts';
import {
  ENRICHMENT_VERSION,
  type Enrichment,
  type EnrichmentError,
  type Formats,
  type Outcome,
} from './enrichment.ts';

/** The final answer about an alert, as it is stored: the same for every submission that it serves. */
export interface StoredAnswer {
  outcome: Outcome;
  /** The submission whose look-up brought the answer. */
  submissionId: string;
  sourceName: string;
  /** Properties of a machine that this source cannot know. */
  unavailable?: readonly string[] | undefined;
  /** Set when lists told it, and not a call about this alert. */
  bulk?: true | undefined;
  /** When the source answered; null when it never did. */
  retrievedAt: Date | null;
  storedAt: Date;
  attempts: number;
  device?: Device | undefined;
  machine?: Machine | undefined;
  /** The device in the standards that were asked for when it was stored. */
  formats?: Formats | undefined;
  error?: EnrichmentError | undefined;
}

/** What a message carries beside what every message does. */
export interface MessageOptions {
  /** Whether people get a summary. */
  summary: boolean;
}

const NOTHING_MORE: MessageOptions = { summary: false };

/**
 * The enrichment of one submission, made from the stored answer. An answer that another submission's look-up brought is a
 * reused one.
 * @example enrichmentOf(submission, answer).reused // answer.submissionId !== submission.submissionId
 */
export function enrichmentOf(
  submission: Submission,
  answer: StoredAnswer,
  options = NOTHING_MORE,
): Enrichment {
  const reused = answer.submissionId !== submission.submissionId;
  return {
    schemaVersion: ENRICHMENT_VERSION,
    outcome: answer.outcome,
    alertId: submission.alertId,
    submissionId: submission.submissionId,
    ...(submission.correlationId !== undefined && { correlationId: submission.correlationId }),
    ...(submission.metadata !== undefined && { metadata: submission.metadata }),
    ...(submission.tenantId !== undefined && { tenantId: submission.tenantId }),
    ...(submission.traceparent !== undefined && { traceparent: submission.traceparent }),
    ...(submission.tracestate !== undefined && { tracestate: submission.tracestate }),
    ...(submission.machineId !== undefined && { machineId: submission.machineId }),
    ...(isOther(submission.machineId, answer.device) && { machineIdDiffers: true as const }),
    ...(answer.device !== undefined && {
      device: { ...answer.device, ...(answer.machine !== undefined && { raw: answer.machine }) },
    }),
    ...(answer.formats !== undefined && { formats: answer.formats }),
    ...(options.summary && { summary: summaryOf(submission.alertId, answer) }),
    source: {
      name: answer.sourceName,
      retrievedAt: answer.retrievedAt?.toISOString() ?? null,
      ...(answer.bulk && { bulk: true as const }),
      ...(answer.unavailable !== undefined && { unavailable: [...answer.unavailable] }),
    },
    reused,
    attempts: reused ? submission.attempts : answer.attempts,
    receivedAt: submission.firstSeen,
    enrichedAt: answer.storedAt.toISOString(),
    ...(answer.error !== undefined && { error: answer.error }),
  };
}

function isOther(machineId: string | undefined, device: Device | undefined): boolean {
  return (
    machineId !== undefined && device !== undefined && machineId.toLowerCase() !== device.id.toLowerCase()
  );
}

function summaryOf(alertId: string, { outcome, device, error }: StoredAnswer): Summary {
  if (device !== undefined) {
    return deviceSummary(device);
  }
  return failureSummary(outcome, alertId, error?.message);
}
