import * as z from 'zod';

/** A point in time as the device carries it. */
export interface Timestamp {
  /** ISO 8601 in UTC with milliseconds. */
  time: string;
  /** The source's text when it is finer than a millisecond (MDE writes up to 7 digits), otherwise null. */
  exact: string | null;
}

const sourceTimeSchema = z.iso.datetime({ offset: true, local: true });
export const deviceTimeSchema = z.iso.datetime({ precision: 3 });

const FRACTION = /\.(\d+)/;

/** Reads MDE's date and time; a text without offset is UTC, as all of MDE's times are. Null when it is no time. */
export function parseTimestamp(text: string): Timestamp | null {
  if (!sourceTimeSchema.safeParse(text).success) {
    return null;
  }
  const fraction = FRACTION.exec(text)?.[1] ?? '';
  // Truncated, not rounded: a device was never seen later than MDE says.
  const toMilliseconds = text.replace(FRACTION, `.${fraction.padEnd(3, '0').slice(0, 3)}`);
  const withOffset = /(?:Z|[+-]\d{2}:\d{2})$/.test(toMilliseconds) ? toMilliseconds : `${toMilliseconds}Z`;
  const date = new Date(withOffset);
  if (Number.isNaN(date.getTime())) {
    return null;
  }
  const time = date.toISOString();
  // An offset can push the first and last hours of the calendar out of four-digit years.
  if (!deviceTimeSchema.safeParse(time).success) {
    return null;
  }
  return { time, exact: /[1-9]/.test(fraction.slice(3)) ? text : null };
}

/** Whole seconds from `time` to `at`; 0 when `time` is ahead of the clock. */
export function ageInSeconds(time: string, at: Date): number {
  return Math.max(0, Math.floor((at.getTime() - Date.parse(time)) / 1000));
}
