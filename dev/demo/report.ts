import { relative } from 'node:path';
import { styleText } from 'node:util';
import type { Settings } from '#shared/config/settings.ts';
import type { AlertRecords } from '#shared/pipeline/alertRecords.ts';
import { counted } from '#shared/text.ts';
import { SHORT_DELAYS, type StartOptions } from './demo.ts';
import { deadLetterTable, type Outcome, outcomeTable } from './outcomeTable.ts';
import { BACKLOG_FORM, type SentSample } from './samples.ts';
import type { RunningStack } from './stackFile.ts';
import type { EnrichmentMessage, WatchEnd } from './watchSample.ts';

/** What a person is about to see. */
export function introduction({
  backlog,
  faults,
  tenants,
}: Pick<StartOptions, 'backlog' | 'faults' | 'tenants'>): string[] {
  return [
    'Alerts go through a real queue, a token request, the API, a table row and an output message.',
    `Some are unknown to Defender: they are asked for again after ${SHORT_DELAYS.NOT_FOUND_RETRIES.replaceAll(',', ', ')} (in production 30s, 2m, 10m).`,
    ...(backlog > 0
      ? [
          `An outbreak of ${counted(backlog, 'alert')} comes with them. Defender permits 100 calls a minute, so they are looked up by lists.`,
        ]
      : []),
    ...(tenants > 1
      ? [
          `They are those of ${tenants} tenants, each with a quota of its own; the last one gives its consent late.`,
        ]
      : []),
    ...(faults
      ? ['Some answers of the simulator are spoiled: each of several faults hits 5 % of them.']
      : []),
  ];
}

/** What became of the sample. */
export function report({ outcomes, disagreements }: Outcomes, end: WatchEnd, width: number): string[] {
  const shown = outcomes.filter(({ form }) => form !== BACKLOG_FORM);
  const backlog = outcomes.length - shown.length;
  const { deadLetters } = end.results;
  return [
    styleText('bold', 'Outcomes'),
    '',
    outcomeTable(shown, width),
    ...(backlog > 0 ? [`and ${counted(backlog, 'alert')} of the backlog`] : []),
    '',
    styleText('bold', 'Dead letters'),
    '',
    deadLetterTable(deadLetters, width),
    '',
    conclusion(end),
    agreement(outcomes.length, disagreements),
  ];
}

function conclusion({ reason, open }: WatchEnd): string {
  const left = `${counted(open, 'alert')} not final`;
  switch (reason) {
    case 'final':
      return styleText('green', 'Every alert is final.');
    case 'interrupted':
      return styleText('yellow', `Interrupted with ${left}.`);
    case 'too late':
      return styleText('red', `Given up with ${left}: that took far longer than it should.`);
    case 'host ended':
      return styleText('red', `The functions ended by themselves with ${left}.`);
  }
}

function agreement(messages: number, disagreements: readonly string[]): string {
  return disagreements.length === 0
    ? `${counted(messages, 'message')} came out, and each agrees with the table row of its alert.`
    : styleText('red', `Message and table row disagree about ${disagreements.join(', ')}.`);
}

/** What a person can do with a demo that serves, and where things are. */
export function guide(options: {
  stack: RunningStack;
  stackFile: string;
  names: Pick<Settings, 'queues' | 'tables'>;
  /** Alerts that Defender knows and nobody has asked for. */
  spareAlertIds: readonly string[];
}): string[] {
  const { stack, stackFile, names, spareAlertIds } = options;
  const { queues, tables } = names;
  const row = (name: string, text: string) => `  ${name.padEnd(11)}${text}`;
  return [
    styleText('bold', 'Try it, in another terminal'),
    `  npm run enrich -- ${spareAlertIds[0] ?? ''}`,
    '  Defender knows these too:',
    ...spareAlertIds.slice(1).map((alertId) => `    ${alertId}`),
    '  Or by HTTP, with the summary for people as the answer:',
    `    curl -H 'Accept: text/markdown' -d ${spareAlertIds[0] ?? ''} -H 'Content-Type: text/plain' '${stack.hostUrl}/api/enrichments?wait=30'`,
    '',
    styleText('bold', 'Where things are, until Ctrl-C ends it all'),
    row('storage', `connection string: AlertsStorage in ${relative('.', stackFile)}`),
    row('queues', `${queues.alerts} (in), ${queues.enrichments} (out), ${queues.poison} (dead letters)`),
    row('tables', `${tables.enrichments}, ${tables.state}`),
    row('http', `${stack.hostUrl}/api: enrichments, enrichments/{alertId}, quota, health, live`),
    row('simulator', `${stack.simulatorUrl}, and what it served: ${stack.simulatorUrl}/_control/report`),
  ];
}

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
