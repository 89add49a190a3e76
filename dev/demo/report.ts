import { styleText } from 'node:util';
import { counted } from '#shared/text.ts';
import { SHORT_DELAYS } from './demoStack.ts';
import type { StartOptions } from './options.ts';
import type { Outcomes } from './outcomes.ts';
import { deadLetterTable, outcomeTable } from './outcomeTable.ts';
import { BACKLOG_FORM } from './samples.ts';
import type { WatchEnd } from './watchSample.ts';

/** What a person is about to see. */
export function introduction({ backlog, faults }: Pick<StartOptions, 'backlog' | 'faults'>): string[] {
  return [
    'Alerts go through a real queue, a token request, the API, a table row and an output message.',
    `Some are unknown to Defender: they are asked for again after ${SHORT_DELAYS.NOT_FOUND_RETRIES.replaceAll(',', ', ')} (in production 30s, 2m, 10m).`,
    ...(backlog > 0
      ? [
          `A backlog of ${counted(backlog, 'alert')} comes with them, and Defender permits 100 calls a minute.`,
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
