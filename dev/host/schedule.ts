import { Cron } from 'croner';
import { parseTimeSpan } from './timeSpan.ts';

/** When a timer fires next after a moment; undefined when it never does. */
export type Schedule = (after: Date) => Date | undefined;

/**
 * Reads a timer trigger's schedule: an NCRONTAB expression with seconds, in UTC as in Azure, or an interval `hh:mm:ss`.
 * @throws Error when it is neither.
 */
export function parseSchedule(text: string): Schedule {
  const interval = parseTimeSpan(text);
  if (interval !== undefined && interval > 0) {
    return (after) => new Date(after.getTime() + interval);
  }
  try {
    // NCRONTAB wants both the day of the month and that of the week to match; classic cron either.
    const cron = new Cron(withShortNames(text), {
      timezone: 'UTC',
      mode: '5-or-6-parts',
      domAndDow: true,
      paused: true,
    });
    return (after) => cron.nextRun(after) ?? undefined;
  } catch (error) {
    throw new Error(
      `The schedule "${text}" is neither NCRONTAB ("0 */5 * * * *") nor an interval ("00:05:00"): ${error}`,
    );
  }
}

/** NCRONTAB takes the names of months and days in full too. */
function withShortNames(text: string): string {
  return text.replaceAll(/[A-Za-z]{4,}/g, (name) => name.slice(0, 3));
}
