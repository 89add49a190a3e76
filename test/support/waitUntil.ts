import { setTimeout as delay } from 'node:timers/promises';

/** A bound, and no promise of speed: tests beside each other on two cores may take many times as long as one alone. */
export const LONGEST_WAIT_MS = 90_000;

/**
 * Waits for a condition instead of for luck: asks again until the answer is neither false nor undefined.
 * @throws Error that names what was waited for when it does not come true in time.
 */
export async function waitUntil<T>(
  what: string,
  condition: () => Promise<T | false | undefined> | T | false | undefined,
  { timeoutMs = LONGEST_WAIT_MS, everyMs = 50 } = {},
): Promise<T> {
  const end = Date.now() + timeoutMs;
  for (;;) {
    const answer = await condition();
    if (answer !== false && answer !== undefined) {
      return answer;
    }
    if (Date.now() > end) {
      throw new Error(`Waited ${timeoutMs} ms in vain: ${what}`);
    }
    await delay(everyMs);
  }
}
