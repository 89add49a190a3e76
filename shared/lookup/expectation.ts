import type { QuotaReport } from '../quota/quotaReport.ts';

/** When an alert that is pending can be expected to be final. */
export interface Expectation {
  /** At the latest, if each alert takes one call and nothing fails; absent when nobody can tell. */
  expectedAt?: Date;
  /** When it is worth asking again, in seconds. */
  retryAfterSeconds: number;
}

const SOONEST_SECONDS = 1;
const LATEST_SECONDS = 60;
/** When nothing is known, an answer is as likely in a moment as later. */
const UNKNOWN_SECONDS = 5;

/**
 * The line of all alerts tells when the last one of it is looked up; nobody knows an alert's place in it.
 * @param report Undefined when the quota could not be read.
 */
export function expectationOf(report: QuotaReport | undefined, now: Date): Expectation {
  if (report === undefined) return { retryAfterSeconds: UNKNOWN_SECONDS };
  const { drainedBy, circuit } = report;
  if (drainedBy !== null) {
    const expectedAt = drainedBy > now ? drainedBy : now;
    return { expectedAt, retryAfterSeconds: secondsUntil(expectedAt, now) };
  }
  return { retryAfterSeconds: circuit === null ? UNKNOWN_SECONDS : secondsUntil(circuit.nextProbe, now) };
}

function secondsUntil(time: Date, now: Date): number {
  const seconds = Math.ceil((time.getTime() - now.getTime()) / 1_000);
  return Math.min(LATEST_SECONDS, Math.max(SOONEST_SECONDS, seconds));
}
