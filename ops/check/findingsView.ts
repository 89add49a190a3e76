import { styleText } from 'node:util';
import { printable } from '#shared/text.ts';
import type { Finding } from './finding.ts';

const COLOURS = { ok: 'green', note: 'cyan', problem: 'red', unknown: 'yellow' } as const;
const STATUS_WIDTH = 9;

/** Each finding as a line, with what to do below it, and a verdict in the end. */
export function findingLines(findings: readonly Finding[], verdict = wellOrNot(findings)): string[] {
  const subjects = Math.max(0, ...findings.map(({ subject }) => subject.length));
  const indent = ' '.repeat(STATUS_WIDTH);
  return [
    ...findings.flatMap(({ subject, status, detail, advice = [] }) => [
      `${styleText(COLOURS[status], status.padEnd(STATUS_WIDTH))}${subject.padEnd(subjects)}  ${printable(detail)}`,
      ...advice.map((line) => `${indent}${printable(line)}`),
    ]),
    '',
    verdict,
  ];
}

function wellOrNot(findings: readonly Finding[]): string {
  return isAllOk(findings) ? 'All is well.' : 'Not all is well: see the lines that are not ok.';
}

/** The verdict on a deployment. */
export function readyOrNot(findings: readonly Finding[]): string {
  const missing = findings.filter(({ status }) => status === 'problem' || status === 'unknown');
  return missing.length === 0
    ? 'Ready: an alert that comes now is enriched.'
    : `Not ready: ${missing.map(({ subject }) => subject).join('; ')}.`;
}

/** Whether no finding is a problem or unknown. The exit code of the check follows it. */
export function isAllOk(findings: readonly Finding[]): boolean {
  return findings.every(({ status }) => status === 'ok' || status === 'note');
}
