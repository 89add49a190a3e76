import { withinTime } from '../promises.ts';

/** From so many look-ups at the same time in a process on, lists take fewer calls than the alerts would. */
const CROWD = 8;
/** So many that begin within this time count as well: on a slow machine one ends before the next begins. */
const SAME_TIME_MS = 2_000;
/** So long after a crowd, the next alerts are taken for a part of it: answers from lists are quick. */
const AFTER_CROWD_MS = 60_000;
/** So long a look-up that is not alone waits for a crowd: the host hands over the messages of a backlog in one go. */
const FORMING_MS = 100;

/** Counts the look-ups under way in a process, and says whether they are many. */
export interface Crowd {
  isMany(): boolean;
  /** The same, for a look-up that has joined; one that is not alone waits for a moment to see whether more come. */
  becomesMany(): Promise<boolean>;
  /** Runs one look-up as a part of the crowd. */
  join<T>(lookUp: () => Promise<T>): Promise<T>;
}

export function createCrowd(now: () => Date): Crowd {
  let underWay = 0;
  /** When the last ones began, the oldest first. */
  let begun: number[] = [];
  let manyUntil = Number.NEGATIVE_INFINITY;
  /** Those who wait to see whether a crowd forms; each of them has an end. */
  let forming = Promise.withResolvers<void>();
  const isMany = () => now().getTime() < manyUntil;
  return {
    isMany,
    async becomesMany() {
      if (!isMany() && underWay > 1) {
        await withinTime(forming.promise, FORMING_MS, () => undefined);
      }
      return isMany();
    },
    async join(lookUp) {
      underWay += 1;
      const time = now().getTime();
      begun = [...begun, time].slice(-CROWD);
      const areQuick = begun.length === CROWD && time - (begun[0] ?? 0) <= SAME_TIME_MS;
      if (underWay >= CROWD || areQuick) {
        manyUntil = time + AFTER_CROWD_MS;
        forming.resolve();
        forming = Promise.withResolvers<void>();
      }
      try {
        return await lookUp();
      } finally {
        underWay -= 1;
      }
    },
  };
}
