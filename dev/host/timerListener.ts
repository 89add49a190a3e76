import { setTimeout as delay } from 'node:timers/promises';
import type { Listener } from './listener.ts';
import type { TypedData } from './rpcTypes.ts';
import type { Schedule } from './schedule.ts';

/** Node's timers hold less than a month; longer waits are made of days. */
const LONGEST_WAIT_MS = 24 * 60 * 60_000;

const timerInput: TypedData = {
  json: JSON.stringify({ Schedule: { AdjustForDST: true }, ScheduleStatus: null, IsPastDue: false }),
};

/**
 * Calls a function on its schedule, never twice at a time. Unlike in Azure, where a lock lets one instance at a
 * time fire a timer, each local host fires its own.
 */
export function listenToTimer(options: {
  schedule: Schedule;
  runOnStartup: boolean;
  /** Calls the function; never rejects. */
  run: (input: TypedData) => Promise<unknown>;
}): Listener {
  const { schedule, runOnStartup, run } = options;
  const stopping = new AbortController();

  async function waitUntil(due: Date): Promise<void> {
    for (let left = due.getTime() - Date.now(); left > 0; left = due.getTime() - Date.now()) {
      await delay(Math.min(left, LONGEST_WAIT_MS), undefined, { signal: stopping.signal });
    }
  }

  async function tick(): Promise<void> {
    if (runOnStartup) {
      await run(timerInput);
    }
    for (let due = schedule(new Date()); due; due = schedule(new Date())) {
      try {
        await waitUntil(due);
      } catch (error) {
        if (stopping.signal.aborted) {
          return;
        }
        throw error;
      }
      await run(timerInput);
    }
  }

  const ticking = tick();
  return {
    async drain() {
      stopping.abort();
      await ticking;
    },
  };
}
