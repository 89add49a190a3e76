import type { SoakPlan } from './soak.ts';

/** One answer in ten is spoiled, in ten ways. */
const FAULTS: SoakPlan['faults'] = {
  'throttle-seconds': { rate: 0.01, waitSeconds: 1 },
  unauthorized: 0.01,
  'not-found': 0.01,
  'http-500': 0.01,
  'http-503': 0.01,
  'http-504': 0.01,
  reset: 0.01,
  'reset-mid-body': 0.01,
  truncated: 0.01,
  html: 0.01,
};

export const plan: SoakPlan = {
  seed: '1',
  submissions: 2_000,
  repeats: 0.3,
  hosts: 4,
  feedMs: 100_000,
  killEveryMs: 2_000,
  storageRestartAfterMs: 50_000,
  faults: FAULTS,
  timeLimitMs: 240_000,
};
