import type { Random } from './random.ts';
import type { RateLimit } from './rateWindows.ts';

/** Somebody else who uses the same app registration and spends part of its quota at random moments. Times are ms. */
export interface Neighbour {
  /** When its next call is due. */
  due(): number;
  /** The call that is due was refused: it comes again at this time, before anybody else can take the slot. */
  postpone(until: number): void;
  /** The call that was due got through. */
  called(): void;
}

/**
 * The wish to call comes as a Poisson stream, independent of our calls, at `share` (0 to 1) of the rate that the
 * tightest limit sustains. Because refused calls come again, the neighbour gets its share even beside a caller who
 * leaves no slot unused. Calls are drawn only when asked for, so no timer runs.
 */
export function createNeighbour(
  limits: readonly RateLimit[],
  share: number,
  random: Random,
  start: number,
): Neighbour {
  const callsPerMs = share * Math.min(...limits.map((limit) => limit.calls / limit.windowMs));
  const gap = () => (share > 0 ? -Math.log(1 - random()) / callsPerMs : Number.POSITIVE_INFINITY);
  let wish = start + gap();
  let notBefore = start;
  const due = () => Math.max(wish, notBefore);
  return {
    due,
    postpone(until) {
      notBefore = until;
    },
    called() {
      notBefore = due();
      wish += gap();
    },
  };
}
