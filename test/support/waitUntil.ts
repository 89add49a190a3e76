import { setTimeout as delay } from 'node:timers/promises';

/** A bound, and no promise of speed: tests beside each other on two cores may take many times as long as one alone. */
export const LONGEST_WAIT_MS = 150_000;

/** Between two looks at a condition, unless a test says otherwise. */
const SHORTEST_PAUSE_MS = 20;
const LONGEST_PAUSE_MS = 250;

/**
 * Waits for a condition instead of for luck: asks again until the answer is neither false nor undefined. The longer it
 * has waited, the less often it asks, since each look costs the storage emulator what the app needs too.
 * @param options.everyMs The time between two looks; a tenth of the time waited so far when left out.
 * @throws Error that names what was waited for when it does not come true in time.
 */
export async function waitUntil<T>(
  what: string,
  condition: () => Promise<T | false | undefined> | T | false | undefined,
  { timeoutMs = LONGEST_WAIT_MS, everyMs }: { timeoutMs?: number; everyMs?: number } = {},
): Promise<T> {
  const start = Date.now();
  for (;;) {
    const answer = await condition();
    if (answer !== false && answer !== undefined) {
      return answer;
    }
    const waitedMs = Date.now() - start;
    if (waitedMs > timeoutMs) {
      throw new Error(`Waited ${timeoutMs} ms in vain: ${what}`);
    }
    await delay(everyMs ?? Math.min(Math.max(waitedMs / 10, SHORTEST_PAUSE_MS), LONGEST_PAUSE_MS));
  }
}
