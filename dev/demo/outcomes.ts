import type { AlertRecords } from '#shared/pipeline/alertRecords.ts';
import type { Outcome } from './outcomeTable.ts';
import type { EnrichmentMessage } from './results.ts';
import type { SentSample } from './submit.ts';

/** What became of the sample, in the order in which it was submitted. */
export interface Outcomes {
  outcomes: Outcome[];
  /** Alerts whose message and table row tell different things; there should be none. */
  disagreements: string[];
}

/** Puts each message beside the row of its alert. */
export async function readOutcomes(
  messages: Iterable<EnrichmentMessage>,
  samples: readonly SentSample[],
  records: AlertRecords,
): Promise<Outcomes> {
  const placeOf = placesIn(samples);
  const placed = [...messages]
    .map((message) => ({ message, place: placeOf(message) }))
    .sort((left, right) => left.place - right.place);
  const outcomes: Outcome[] = [];
  const disagreements: string[] = [];
  for (const { message, place } of placed) {
    const answer = (await records.read(message.alertId))?.state.answer;
    const device = message.outcome === 'enriched' ? answer?.device : undefined;
    outcomes.push({ message, device, form: samples[place]?.form ?? 'your own' });
    const deviceInMessage = 'device' in message ? message.device?.id : device?.id;
    if (answer?.outcome !== message.outcome || device?.id !== deviceInMessage) {
      disagreements.push(message.alertId);
    }
  }
  return { outcomes, disagreements };
}

/**
 * Finds the sample that a message answers. The submission ID begins with the ID of the queue's message, except where
 * the payload's own `id` hides that one; the alert ID tells then.
 */
function placesIn(samples: readonly SentSample[]): (message: EnrichmentMessage) => number {
  const byMessageId = new Map(samples.map(({ messageId }, place) => [messageId, place]));
  // The first sample with an alert counts: a second one is a message whose ID tells.
  const byAlertId = new Map(
    samples.flatMap(({ alertIds }, place) => alertIds.map((alertId) => [alertId, place] as const)).reverse(),
  );
  return ({ submissionId, alertId }) =>
    byMessageId.get(submissionId.replace(/\.\d+$/, '')) ?? byAlertId.get(alertId) ?? samples.length;
}
