import type { Results } from './results.ts';
import type { Sample } from './samples.ts';

/** How far the sample is. */
export interface Progress {
  submitted: number;
  enriched: number;
  notFound: number;
  deadLetters: number;
  /** Submissions that were put back, by the reason. */
  waiting: ReadonlyMap<string, number>;
  /** Submissions and malformed parts of the sample that have not ended yet. */
  open: number;
  callsInMinute: number;
  callsInHour: number;
  elapsedMs: number;
}

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;

/** @param calls When Defender was called, in milliseconds since 1970. */
export function tally(
  samples: readonly Sample[],
  results: Results,
  waiting: ReadonlyMap<string, number>,
  calls: readonly number[],
  startedAt: number,
  now: number,
): Progress {
  const outcomes = [...results.enrichments.values()].map(({ outcome }) => outcome);
  const since = (windowMs: number) => calls.filter((time) => time > now - windowMs).length;
  return {
    submitted: samples.reduce((sum, { alertIds, rejections }) => sum + alertIds.length + rejections, 0),
    enriched: outcomes.filter((outcome) => outcome === 'enriched').length,
    notFound: outcomes.filter((outcome) => outcome === 'not_found').length,
    deadLetters: results.deadLetters.length,
    waiting,
    open: openParts(samples, results),
    callsInMinute: since(MINUTE_MS),
    callsInHour: since(HOUR_MS),
    elapsedMs: now - startedAt,
  };
}

/** What somebody else submits meanwhile does not count, unless it is an alert of the sample. */
function openParts(samples: readonly Sample[], { enrichments, deadLetters }: Results): number {
  const open = new Map<string, number>();
  for (const alertId of samples.flatMap(({ alertIds }) => alertIds)) {
    open.set(alertId, (open.get(alertId) ?? 0) + 1);
  }
  for (const { alertId } of enrichments.values()) {
    open.set(alertId, Math.max(0, (open.get(alertId) ?? 0) - 1));
  }
  const openAlerts = [...open.values()].reduce((sum, count) => sum + count, 0);
  const expectedRejections = samples.reduce((sum, { rejections }) => sum + rejections, 0);
  const rejections = deadLetters.filter(({ isSubmission }) => !isSubmission).length;
  return openAlerts + Math.max(0, expectedRejections - rejections);
}
