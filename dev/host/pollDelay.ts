/** How long to wait between polls that find nothing, in milliseconds. */
export interface PollDelay {
  /** The wait after one more empty poll. */
  next(): number;
  /** A message was found: start over. */
  reset(): void;
}

const SHORTEST_MS = 100;

/** The Functions host's randomized exponential back-off: about 0.1, 0.2, 0.3, 0.5, 0.9 s and so on, up to `longest`. */
export function createPollDelay(longest: number, random: () => number): PollDelay {
  let emptyPolls = 0;
  return {
    next() {
      const growth = emptyPolls === 0 ? 0 : (0.8 + 0.4 * random()) * 2 ** (emptyPolls - 1) * SHORTEST_MS;
      const delay = Math.min(SHORTEST_MS + growth, longest);
      if (delay < longest) {
        emptyPolls += 1;
      }
      return delay;
    },
    reset() {
      emptyPolls = 0;
    },
  };
}
