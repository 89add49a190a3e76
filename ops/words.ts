import { ageInWords } from '#shared/text.ts';

/** Such as `3 h`. */
export function ageOf(time: Date, now: Date): string {
  return ageInWords(Math.max(0, now.getTime() - time.getTime()) / 1_000);
}

/** A time to the second, in UTC. */
export function timeOf(time: Date): string {
  return `${time.toISOString().slice(0, 19)}Z`;
}
