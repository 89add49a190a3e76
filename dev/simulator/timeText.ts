import { digits, type Random } from './random.ts';

/** A time as the API writes it: ISO 8601, UTC, with 7 fractional digits (100 ns) of which the last four are drawn. */
export function timeText(milliseconds: number, random: Random): string {
  return new Date(milliseconds).toISOString().replace('Z', `${digits(random, 4)}Z`);
}
