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

/** The same for lists, which may also be whole and wrong. */
const LIST_FAULTS: SoakPlan['faults'] = {
  ...FAULTS,
  'list-repeats': 0.1,
  'list-shuffled': 0.1,
  'list-gaps': 0.1,
  'list-strangers': 0.1,
};

export const plan: SoakPlan = {
  name: 'one by one',
  bulk: 'off',
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

/** All alerts come within seconds, so that they are looked up by lists, which are made again and again. */
export const bulkPlan: SoakPlan = {
  ...plan,
  name: 'by lists',
  bulk: 'auto',
  submissions: 3_000,
  feedMs: 40_000,
  killEveryMs: 2_000,
  storageRestartAfterMs: 15_000,
  faults: LIST_FAULTS,
};

export const plans = [plan, bulkPlan];
