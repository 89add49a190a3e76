import type { Device } from '../device/device.ts';
import type { Machine } from '../device/machine.ts';
import type { Submission } from '../intake/submission.ts';
import { ENRICHMENT_VERSION, type Enrichment, type EnrichmentError, type Outcome } from './enrichment.ts';

/** The final answer about an alert, as it is stored: the same for every submission that it serves. */
export interface StoredAnswer {
  outcome: Outcome;
  /** The submission whose look-up brought the answer. */
  submissionId: string;
  sourceName: string;
  /** When the source answered; null when it never did. */
  retrievedAt: Date | null;
  storedAt: Date;
  attempts: number;
  device?: Device | undefined;
  machine?: Machine | undefined;
  error?: EnrichmentError | undefined;
}

/** What one submission is told. An answer that another submission's look-up brought is a reused one. */
export function enrichmentOf(submission: Submission, answer: StoredAnswer): Enrichment {
  const reused = answer.submissionId !== submission.submissionId;
  return {
    schemaVersion: ENRICHMENT_VERSION,
    outcome: answer.outcome,
    alertId: submission.alertId,
    submissionId: submission.submissionId,
    ...(submission.correlationId !== undefined && { correlationId: submission.correlationId }),
    ...(submission.metadata !== undefined && { metadata: submission.metadata }),
    ...(answer.device !== undefined && {
      device: { ...answer.device, ...(answer.machine !== undefined && { raw: answer.machine }) },
    }),
    source: { name: answer.sourceName, retrievedAt: answer.retrievedAt?.toISOString() ?? null },
    reused,
    attempts: reused ? submission.attempts : answer.attempts,
    receivedAt: submission.firstSeen,
    enrichedAt: answer.storedAt.toISOString(),
    ...(answer.error !== undefined && { error: answer.error }),
  };
}
