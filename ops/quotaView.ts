import { formatDuration } from '#shared/config/setting.ts';
import type { QuotaReport } from '#shared/quota/quotaReport.ts';
import { SOURCE_LABELS } from '#shared/sources/source.ts';
import { columns, counted, printable } from '#shared/text.ts';
import { ageOf, timeOf } from './words.ts';

/** The quota for a person. */
export function quotaLines(report: QuotaReport, now: Date): string[] {
  const { queued, drainedBy, bulk = false, source = 'defender', hunting } = report;
  return [
    ...apiLines(report, SOURCE_LABELS[source], now, [
      ['Queue', `about ${counted(queued, 'message')}, those that wait for their time included`],
      ['Drained', drainedText(queued, drainedBy, bulk, now)],
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

function drainedText(queued: number, drainedBy: Date | null, bulk: boolean, now: Date): string {
  if (drainedBy === null) {
    return 'not while the circuit is open';
  }
  if (queued === 0) {
    return 'nothing waits';
  }
  const how = bulk ? 'by lists of alerts and devices' : 'if each alert takes one call';
  return `by ${timeOf(drainedBy)} (in ${ageOf(now, drainedBy)}), ${how}`;
}
