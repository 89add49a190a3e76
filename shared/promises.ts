/**
 * Runs work so that at most `most` of it is under way at any moment; the rest waits, first come, first served.
 * @example
 * const limited = atMost(2);
 * await Promise.all(rows.map((row) => limited(() => remove(row)))); // no more than two deletions at once
 */
export function atMost(most: number): <T>(work: () => Promise<T>) => Promise<T> {
  const line: (() => void)[] = [];
  let running = 0;
  return async (work) => {
    if (running < most) {
      running += 1;
    } else {
      await new Promise<void>((resolve) => line.push(resolve));
    }
    try {
      return await work();
    } finally {
      const next = line.shift();
      if (next === undefined) {
        running -= 1;
      } else {
        next();
      }
    }
  };
}

/**
 * Remembers what `load` brought for `maxAgeMs` milliseconds. Calls during a load share its result. A failure is not
 * remembered.
 * @example
 * const recentQuota = cached(reportQuota, 2_000, Date.now);
 * await recentQuota(); // calls reportQuota, unless it answered less than two seconds ago
 */
export function cached<T>(load: () => Promise<T>, maxAgeMs: number, now: () => number): () => Promise<T> {
  let value: Promise<T> | undefined;
  let staleAt = Number.POSITIVE_INFINITY;
  return () => {
    if (value !== undefined && now() < staleAt) {
      return value;
    }
    const loading = load();
    value = loading;
    staleAt = Number.POSITIVE_INFINITY;
    loading.then(
      () => {
        staleAt = now() + maxAgeMs;
      },
      () => {
        value = undefined;
      },
    );
    return loading;
  };
}

/**
 * What the work brings, or what `late` says instead (returns or throws) when that takes longer than `ms` milliseconds.
 * Late work is not stopped; its result is dropped.
 * @example await withinTime(slowAnswer(), 1_000, () => undefined) // undefined after a second without an answer
 */
export async function withinTime<T>(work: Promise<T>, ms: number, late: () => T): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const timeIsUp = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  try {
    return await Promise.race([work, timeIsUp.then(late)]);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Makes a function that returns true at most once in each stretch of `intervalMs` milliseconds, for each subject.
 * @example
 * const isDue = atMostEvery(60_000, Date.now);
 * isDue('a'); // true
 * isDue('a'); // false for the next minute
 * isDue('b'); // true: another subject
 */
export function atMostEvery(intervalMs: number, now: () => number): (subject?: string) => boolean {
  const last = new Map<string | undefined, number>();
  return (subject) => {
    if (now() - (last.get(subject) ?? Number.NEGATIVE_INFINITY) < intervalMs) {
      return false;
    }
    last.set(subject, now());
    return true;
  };
}
