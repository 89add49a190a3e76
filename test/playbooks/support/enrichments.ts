import { normalizeMachine } from '#shared/device/normalize.ts';
import { enrichmentOf } from '#shared/enrichment/answer.ts';
import type { Enrichment, Outcome } from '#shared/enrichment/enrichment.ts';
import type { Submission } from '#shared/intake/submission.ts';
import type { Json } from './evaluate.ts';

const at = new Date('2026-11-23T12:00:00Z');

export interface EnrichmentDetails {
  outcome?: Outcome;
  machine?: Record<string, unknown>;
  submission?: Partial<Submission>;
  /** False for a message of the queue that goes without. Answers over HTTP always have it. */
  summary?: boolean;
}

/** An enrichment as the app answers with it, and publishes it with `ENRICHMENT_SUMMARY` on. */
export function enrichment(alertId: string, details: EnrichmentDetails = {}): Enrichment {
  const { outcome = 'enriched', machine = {}, submission = {}, summary = true } = details;
  const record = { id: deviceIdOf(alertId), computerDnsName: `${alertId}.contoso.com`, ...machine };
  const submitted = {
    alertId,
    submissionId: '3e1f6c0a-52d5-4a55-9d0b-6f2f5a9f7a11.0',
    firstSeen: at.toISOString(),
    attempts: 1,
    ...submission,
  } as Submission;
  const found = outcome === 'enriched' && { device: normalizeMachine(record, at), machine: record };
  const error = outcome !== 'enriched' && { error: { code: outcome, message: 'Defender answered 404.' } };
  const answer = { outcome, submissionId: submitted.submissionId, sourceName: 'defender', attempts: 1 };
  return enrichmentOf(
    submitted,
    { ...answer, retrievedAt: at, storedAt: at, ...found, ...error },
    { summary },
  );
}

/** The same as plain JSON. */
export function json(value: unknown): Json {
  return JSON.parse(JSON.stringify(value));
}

function deviceIdOf(alertId: string): string {
  return Buffer.from(alertId).toString('hex').padEnd(40, '0').slice(-40);
}
