import { createNeighbour, type Neighbour } from './neighbour.ts';
import { seededRandom } from './random.ts';
import {
  createRateWindows,
  type RateLimit,
  type RateWindows,
  type Refusal,
  type WindowKind,
} from './rateWindows.ts';

/** The quota of every app that calls: one bucket per app ID, shared by all API routes. */
export interface Quota {
  /** Says why a call of this app would be refused now; undefined when it would be accepted. Counts nothing. */
  check(appId: string, now: number): Refusal | undefined;
  /** Counts an accepted call of this app. */
  record(appId: string, now: number): void;
  /** From now on a neighbour spends this share (0 to 1) of the sustained rate of every bucket. */
  setNeighbourShare(share: number, now: number): void;
  /** Calls that the neighbours got through. */
  neighbourCalls(): number;
  /** Empties all windows and sends the neighbours away. */
  reset(): void;
}

export interface QuotaOptions {
  limits: readonly RateLimit[];
  windows: WindowKind;
  seed: string;
}

interface Bucket {
  windows: RateWindows;
  neighbour: Neighbour;
}

export function createQuota({ limits, windows, seed }: QuotaOptions): Quota {
  const buckets = new Map<string, Bucket>();
  let share = 0;
  let neighbourCalls = 0;

  const neighbourOf = (appId: string, now: number) =>
    createNeighbour(limits, share, seededRandom(seed, 'neighbour', appId), now);

  function bucketOf(appId: string, now: number): Bucket {
    let bucket = buckets.get(appId);
    if (bucket === undefined) {
      bucket = { windows: createRateWindows(limits, windows), neighbour: neighbourOf(appId, now) };
      buckets.set(appId, bucket);
    }
    return bucket;
  }

  /** The neighbour's calls came before ours, so they are counted first. */
  function letNeighbourCall(bucket: Bucket, now: number): void {
    const { neighbour, windows } = bucket;
    for (let time = neighbour.due(); time <= now; time = neighbour.due()) {
      const refusal = windows.check(time);
      if (refusal === undefined) {
        windows.record(time);
        neighbour.called();
        neighbourCalls += 1;
      } else {
        neighbour.postpone(time + refusal.waitMs);
      }
    }
  }

  return {
    check(appId, now) {
      const bucket = bucketOf(appId, now);
      letNeighbourCall(bucket, now);
      return bucket.windows.check(now);
    },
    record: (appId, now) => bucketOf(appId, now).windows.record(now),
    setNeighbourShare(newShare, now) {
      share = newShare;
      for (const [appId, bucket] of buckets) {
        letNeighbourCall(bucket, now);
        bucket.neighbour = neighbourOf(appId, now);
      }
    },
    neighbourCalls: () => neighbourCalls,
    reset() {
      buckets.clear();
      share = 0;
      neighbourCalls = 0;
    },
  };
}
