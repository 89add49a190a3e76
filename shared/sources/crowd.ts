import { withinTime } from '../promises.ts';

/** From this many look-ups at once in a process, lists take fewer calls than the alerts would. */
const CROWD = 8;
/** As many that begin within this time count as well (ms): on a slow machine one ends before the next begins. */
const SAME_TIME_MS = 2_000;
/** How long after a crowd the next alerts count as a part of it (ms): answers from lists are quick. */
const AFTER_CROWD_MS = 60_000;
/** How long a look-up that is not alone waits for a crowd (ms): the host hands a backlog's messages over in one go. */
const FORMING_MS = 100;

/** Counts the look-ups under way in a process, and says whether they are many. */
export interface Crowd {
  /** Whether lists save calls now. */
  isMany(): boolean;
  /** Whether lists save calls, for a look-up that has joined. If it is not alone it waits a moment for more. */
  becomesMany(): Promise<boolean>;
  /** Runs one look-up as a part of the crowd. */
  join<T>(lookUp: () => Promise<T>): Promise<T>;
}

/** Counts the look-ups of this process. */
export function createCrowd(now: () => Date): Crowd {
  let underWay = 0;
  /** When the last ones began, the oldest first. */
  let begun: number[] = [];
  let manyUntil = Number.NEGATIVE_INFINITY;
  /** Resolves when a crowd forms. Each wait for it has an end. */
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
