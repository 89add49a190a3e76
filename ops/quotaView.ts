import { formatDuration } from '#shared/config/setting.ts';
import type { QuotaReport } from '#shared/quota/quotaReport.ts';
import { SOURCE_LABELS } from '#shared/sources/source.ts';
import { columns, counted, printable } from '#shared/text.ts';
import { ageOf, timeOf } from './words.ts';

/** The quota for a person. */
export function quotaLines(report: QuotaReport, now: Date): string[] {
  const { queued, drainedBy, source = 'defender', hunting } = report;
  return [
    ...apiLines(report, SOURCE_LABELS[source], now, [
      ['Queue', `about ${counted(queued, 'message')}, those that wait for their time included`],
      ['Drained', drainedText(queued, drainedBy)],
    ]),
    ...(hunting === undefined ? [] : ['', 'Hunting', '', ...apiLines(hunting, 'hunting', now, [])]),
  ];
}

/** The quota of one API. */
function apiLines(
  { windows, rate, pausedUntil, circuit }: NonNullable<QuotaReport['hunting']>,
  label: string,
  now: Date,
  more: string[][],
): string[] {
  return [
    ...columns([
      ['WINDOW', 'USED', 'PERMITTED', 'REMAINING'],
      ...windows.map(({ limit, used, permitted, remaining }) => [
        formatDuration(limit.windowMs),
        String(used),
        permitted === limit.calls ? String(permitted) : `${permitted} of ${limit.calls}`,
        String(remaining),
      ]),
    ]),
    '',
    ...columns([
      ['Rate', rate === 1 ? 'full' : `${Math.round(rate * 100)} %, lowered by 429s`],
      ['Paused', pausedUntil === null ? 'no' : `until ${timeOf(pausedUntil)}, after a 429`],
      ['Circuit', circuit === null ? 'closed' : circuitText(circuit, label, now)],
      ...more,
    ]),
    ...(circuit === null ? [] : ['', printable(circuit.detail)]),
  ];
}

function circuitText(
  { openSince, nextProbe }: NonNullable<QuotaReport['circuit']>,
  label: string,
  now: Date,
): string {
  return `open since ${timeOf(openSince)} (${ageOf(openSince, now)}): ${label} refuses the app; next probe ${timeOf(nextProbe)}`;
}

function drainedText(queued: number, drainedBy: Date | null): string {
  if (drainedBy === null) {
    return 'not while the circuit is open';
  }
  return queued === 0 ? 'nothing waits' : `by ${timeOf(drainedBy)} if each alert takes one call`;
}
