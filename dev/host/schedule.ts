import { Cron } from 'croner';

/** When a timer fires next after a moment; undefined when it never does. */
export type Schedule = (after: Date) => Date | undefined;

/**
 * Reads a timer trigger's schedule: an NCRONTAB expression with seconds, in UTC as in Azure.
 * @throws Error when it is none.
 */
export function parseSchedule(text: string): Schedule {
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
    throw new Error(`The schedule "${text}" is no NCRONTAB expression such as "0 */5 * * * *": ${error}`);
  }
}

/** NCRONTAB takes the names of months and days in full too. */
function withShortNames(text: string): string {
  return text.replaceAll(/[A-Za-z]{4,}/g, (name) => name.slice(0, 3));
}
