import { normalizeMachine } from '../device/normalize.ts';
import type { StoredAnswer } from '../enrichment/answer.ts';
import type { FormatName } from '../projections/formats.ts';
import { project } from '../projections/projections.ts';
import type { Decision, Deferral } from './decision.ts';

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
    const { machine, retrievedAt } = decision;
    const device = normalizeMachine(machine, retrievedAt);
    return {
      ...common,
      outcome: 'enriched',
      retrievedAt,
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
