import type { SharedList } from './alertList.ts';
import type { Source } from './source.ts';

/** What bulk look-ups do at present: with them the queue takes less than one call an alert. */
export interface BulkActivity {
  /**
   * When a process made the last list of alerts; undefined when none did.
   * @throws When the storage service cannot be used.
   */
  lastListAt(): Promise<Date | undefined>;
  /** How many alerts this process has answered by lists within the last minute. */
  answersInLastMinute(): number;
}

/** Length of the stretches of time by which answers are counted (ms). */
const BUCKET_MS = 5_000;
/** Stretches that are kept: a minute. */
const BUCKETS = 12;

/** Wraps a source. It counts the answers that lists gave; its memory does not grow with the answers. */
export function countingBulk(
  source: Source,
  readList: () => Promise<SharedList>,
  now: () => Date,
): { source: Source; activity: BulkActivity } {
  /** Answers by the stretch of five seconds in which they were given. */
  const buckets = new Map<number, number>();
  const current = () => Math.floor(now().getTime() / BUCKET_MS);

  function count(): void {
    const bucket = current();
    buckets.set(bucket, (buckets.get(bucket) ?? 0) + 1);
    for (const old of buckets.keys()) {
      if (old <= bucket - BUCKETS) {
        buckets.delete(old);
      }
    }
  }

  return {
    source: {
      get name() {
        return source.name;
      },
      async find(alert, signal) {
        const answer = await source.find(alert, signal);
        if (answer.kind === 'found' && answer.bulk) {
          count();
        }
        return answer;
      },
    },
    activity: {
      async lastListAt() {
        const { list } = await readList();
        return list?.until;
      },
      answersInLastMinute() {
        const oldest = current() - BUCKETS;
        return [...buckets].reduce((sum, [bucket, answers]) => (bucket > oldest ? sum + answers : sum), 0);
      },
    },
  };
}
