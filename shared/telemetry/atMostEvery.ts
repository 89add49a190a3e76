/** A question that is answered with yes at most once in each stretch of `intervalMs` milliseconds. */
export function atMostEvery(intervalMs: number, now: () => number): () => boolean {
  let last = Number.NEGATIVE_INFINITY;
  return () => {
    if (now() - last < intervalMs) return false;
    last = now();
    return true;
  };
}
