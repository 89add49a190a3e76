/** The longest delay between two look-ups of a submission. */
export const LONGEST_DELAY_MS = 15 * 60_000;

/** A delay of up to `base` doubled `attempts` times, any part of it equally likely (full jitter), in milliseconds. */
export function backoffMs(baseMs: number, attempts: number, random: () => number): number {
  return random() * Math.min(LONGEST_DELAY_MS, baseMs * 2 ** attempts);
}
