/**
 * Remembers what `load` brought for `maxAgeMs` milliseconds; who asks while it is being loaded gets the same. A failure
 * is not remembered.
 */
export function cached<T>(load: () => Promise<T>, maxAgeMs: number, now: () => number): () => Promise<T> {
  let value: Promise<T> | undefined;
  let staleAt = Number.POSITIVE_INFINITY;
  return () => {
    if (value !== undefined && now() < staleAt) return value;
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
