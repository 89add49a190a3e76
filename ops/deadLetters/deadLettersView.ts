import { columns, counted, printable, shortened } from '#shared/text.ts';
import { ageOf, timeOf } from '../words.ts';
import type { PoisonMessage } from './poisonMessage.ts';
import { LEASE_SECONDS, type PoisonContents } from './poisonQueue.ts';
import type { ReplayReport } from './replay.ts';

/** How much of a text a table shows. */
const LONGEST_DETAIL = 100;
const LONGEST_ALERTS = 60;

/** The dead letters as tables for a person: each one, and how many of each reason. */
export function deadLetterLines({ messages, hidden }: PoisonContents, now: Date): string[] {
  const rows = messages.map((message) => [
    message.id,
    printable(message.reason),
    ageOf(message.deadAt, now),
    shortened(message.alertIds.join(' '), LONGEST_ALERTS),
    shortened(printable(message.detail), LONGEST_DETAIL),
  ]);
  const perReason = Object.entries(countPerReason(messages)).map(([reason, count]) => [
    printable(reason),
    String(count),
  ]);
  return messages.length === 0
    ? ['There are no dead letters.', ...hiddenLines(hidden)]
    : [
        ...columns([['ID', 'REASON', 'AGE', 'ALERT', 'DETAIL'], ...rows]),
        '',
        ...columns([['REASON', 'COUNT'], ...perReason, ['all', String(messages.length)]]),
        ...hiddenLines(hidden),
      ];
}

/** All that is known about one message. */
export function deadLetterDetails(message: PoisonMessage, now: Date): string[] {
  const { letter } = message;
  return [
    ...columns([
      ['ID', message.id],
      ['Reason', printable(message.reason)],
      ['Detail', printable(message.detail)],
      ['Alert', message.alertIds.join(' ') || 'none'],
      ['Died', `${timeOf(message.deadAt)}, ${ageOf(message.deadAt, now)} ago`],
      ...(letter === undefined
        ? []
        : [
            ['First seen', timeOf(new Date(letter.firstSeen))],
            ['Look-ups', String(letter.attempts)],
            ['Submission', letter.submission?.submissionId ?? 'none'],
            ['Correlation', printable(letter.submission?.correlationId ?? 'none')],
          ]),
      ['Replay', REPLAY_WORDS[message.replay.kind]],
    ]),
    '',
    'Text:',
    printable(letter?.original ?? message.text),
  ];
}

const REPLAY_WORDS: Record<PoisonMessage['replay']['kind'], string> = {
  submission: 'as a new submission',
  'rejected-text': 'its text as it came, when asked for by --id or --reason',
  'host-copy': 'its text as it came',
  impossible: 'not possible',
};

/** The dead letters as JSON for programs. */
export function deadLettersJson({ messages, hidden }: PoisonContents, now: Date) {
  return {
    total: messages.length,
    hidden,
    reasons: countPerReason(messages),
    deadLetters: messages.map((message) => deadLetterJson(message, now)),
  };
}

/** One dead letter as JSON for programs: the letter, or its text where the pipeline did not write it. */
export function deadLetterJson({ letter, text, replay, ...message }: PoisonMessage, now: Date) {
  return {
    ...message,
    ageSeconds: Math.max(0, Math.round((now.getTime() - message.deadAt.getTime()) / 1_000)),
    replay: replay.kind,
    ...(letter === undefined ? { text } : { letter }),
  };
}

/** What a replay did, for a person. */
export function replayLines({ replayed, left, rejectionsPassedBy, hidden }: ReplayReport): string[] {
  return [
    `${counted(replayed, 'dead letter')} replayed.`,
    ...left.map(({ message, why }) => `Left where it is: ${message.id}: ${printable(why)}.`),
    ...passedByLines(rejectionsPassedBy),
    ...hiddenLines(hidden),
  ];
}

/** What a replay of the selected ones would do. */
export function dryRunLines(
  selected: readonly PoisonMessage[],
  rejectionsPassedBy: number,
  now: Date,
): string[] {
  const isPossible = ({ replay }: PoisonMessage) => replay.kind !== 'impossible';
  const rows = selected.map((message) => [
    message.id,
    printable(message.reason),
    ageOf(message.deadAt, now),
    shortened(message.alertIds.join(' '), LONGEST_ALERTS),
    isPossible(message) ? REPLAY_WORDS[message.replay.kind] : 'stays: it cannot be replayed',
  ]);
  return [
    ...(rows.length === 0 ? [] : [...columns([['ID', 'REASON', 'AGE', 'ALERT', 'REPLAY'], ...rows]), '']),
    `${counted(selected.filter(isPossible).length, 'dead letter')} would be replayed; nothing was changed.`,
    ...passedByLines(rejectionsPassedBy),
  ];
}

function passedByLines(count: number): string[] {
  return count === 0
    ? []
    : [
        `${counted(count, 'message')} passed by, being no alert: replay with --reason or --id if the app can read it now.`,
      ];
}

function hiddenLines(hidden: number): string[] {
  return hidden === 0
    ? []
    : [
        `About ${counted(hidden, 'more message')} not shown: held by somebody else, for ${LEASE_SECONDS} s at most if that is this tool, or new. Try again then.`,
      ];
}

function countPerReason(messages: readonly PoisonMessage[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { reason } of messages) {
    counts[reason] = (counts[reason] ?? 0) + 1;
  }
  return counts;
}
