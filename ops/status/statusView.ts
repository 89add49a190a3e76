import type { Device } from '#shared/device/device.ts';
import type { StoredAnswer } from '#shared/enrichment/answer.ts';
import type { AlertState } from '#shared/pipeline/alertRecords.ts';
import { columns, counted, printable } from '#shared/text.ts';
import { deadLetterJson } from '../deadLetters/deadLettersView.ts';
import { ageOf, timeOf } from '../words.ts';
import type { AlertStatus } from './alertStatus.ts';

/** What is known about an alert, for a person. */
export function statusLines({ alertId, state, queue, deadLetters }: AlertStatus, now: Date): string[] {
  return columns([
    ['Alert', alertId],
    ...(state === undefined ? [['Row', 'none: it was never looked up']] : stateRows(state, now)),
    ['Queue', queueText(queue)],
    ...(deadLetters.length === 0
      ? [['Dead letters', 'none']]
      : deadLetters.map(({ id, reason, deadAt }) => [
          'Dead letter',
          `${id}: ${printable(reason)}, ${ageOf(deadAt, now)} old`,
        ])),
  ]);
}

/** What is known about an alert, as JSON for programs. */
export function statusJson({ deadLetters, state, ...status }: AlertStatus, now: Date) {
  return {
    ...status,
    state: state ?? null,
    deadLetters: deadLetters.map((letter) => deadLetterJson(letter, now)),
  };
}

function stateRows({ answer, claim, published }: AlertState, now: Date): string[][] {
  return [
    ...(answer === undefined ? [['Outcome', 'none yet']] : answerRows(answer, now)),
    ['Claim', claim === undefined ? 'none' : claimText(claim, now)],
    ['Published', counted(published.length, 'enrichment')],
  ];
}

function answerRows({ outcome, device, error, ...answer }: StoredAnswer, now: Date): string[][] {
  const { attempts, sourceName, retrievedAt, storedAt, submissionId } = answer;
  return [
    ['Outcome', outcome],
    ...(device === undefined ? [] : [['Device', deviceText(device)]]),
    ...(error === undefined ? [] : [['Error', printable(`${error.code}: ${error.message}`)]]),
    ['Look-ups', String(attempts)],
    [
      'Answered',
      retrievedAt === null ? `never, by ${sourceName}` : `${timeOf(retrievedAt)} by ${sourceName}`,
    ],
    ['Stored', `${timeOf(storedAt)}, ${ageOf(storedAt, now)} ago, for submission ${submissionId}`],
  ];
}

function deviceText({ id, hostname, os, risk, exposure, health }: Device): string {
  const parts = [hostname ?? 'no name', os.osPlatform, risk.value && `risk ${risk.value}`];
  const more = [exposure.value && `exposure ${exposure.value}`, health.value, id];
  return printable([...parts, ...more].filter((part) => part !== null && part !== '').join(', '));
}

function claimText({ submissionId, expiresAt }: NonNullable<AlertState['claim']>, now: Date): string {
  return expiresAt > now
    ? `submission ${submissionId} works on it or waits with it, until ${timeOf(expiresAt)}`
    : `expired ${ageOf(expiresAt, now)} ago, of submission ${submissionId}`;
}

function queueText({ found, lookedAt, count }: AlertStatus['queue']): string {
  if (found > 0) {
    return `${counted(found, 'message')} waiting to be taken`;
  }
  const others = count - lookedAt;
  return others > 0
    ? `not among the first ${lookedAt} visible; about ${counted(others, 'message')} behind or hidden (waiting for their time, or being worked on)`
    : 'nothing waits';
}
