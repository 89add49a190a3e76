import type { CallRequest, PermitDecision } from './callGate.ts';
import type { Ask } from './ledger.ts';

/** A caller that waits in this process. It gets one answer; every later one is ignored. */
export interface Caller {
  /** `turn` until an exchange with the ledger has redeemed it. */
  place: CallRequest['place'];
  readonly mayProbeCircuit: boolean;
  /** When it came (storage clock, ms). */
  readonly since: number;
  /** Whether it has been answered, or has left. */
  readonly isGone: boolean;
  admit(decision: PermitDecision): void;
  fail(error: unknown): void;
}

/** The callers that wait for an exchange with the ledger, in the order in which they came. */
export interface CallLine {
  /**
   * Adds a caller.
   * @param leave Called when its signal ends the wait; what it returns is its answer.
   */
  join(
    request: CallRequest,
    since: number,
    signal: AbortSignal,
    leave: (caller: Caller) => PermitDecision,
  ): { caller: Caller; answer: Promise<PermitDecision> };
  /** Puts a caller back whom an exchange has not served. */
  rejoin(caller: Caller): void;
  /** Takes out all callers, and returns them in the order `turn`, `first`, `urgent`, `last`. */
  takeAll(): Caller[];
  /** Takes out the callers for which `isTaken` is true. */
  takeWhere(isTaken: (caller: Caller) => boolean): Caller[];
  readonly length: number;
  /** When the caller that waits longest came (storage clock, ms); undefined when the line is empty. */
  readonly since: number | undefined;
  /** Whether all callers go before newcomers: no place is `last`. */
  readonly isAllEarly: boolean;
}

/** Creates an empty line. */
export function createCallLine(): CallLine {
  let line: Caller[] = [];

  return {
    join({ place, mayProbeCircuit }, since, signal, leave) {
      const { promise, resolve, reject } = Promise.withResolvers<PermitDecision>();
      let isGone = false;
      const settle = () => {
        isGone = true;
        signal.removeEventListener('abort', onAbort);
      };
      const caller: Caller = {
        place,
        mayProbeCircuit,
        since,
        get isGone() {
          return isGone;
        },
        admit(decision) {
          if (isGone) {
            return;
          }
          settle();
          resolve(decision);
        },
        fail(error) {
          if (isGone) {
            return;
          }
          settle();
          reject(error);
        },
      };
      const onAbort = () => {
        line = line.filter((other) => other !== caller);
        caller.admit(leave(caller));
      };
      signal.addEventListener('abort', onAbort, { once: true });
      line.push(caller);
      return { caller, answer: promise };
    },
    rejoin(caller) {
      if (!caller.isGone) {
        line.push(caller);
      }
    },
    takeAll() {
      const taken = [
        ...line.filter(({ place }) => place === 'turn'),
        ...line.filter(({ place }) => place === 'first'),
        ...line.filter(({ place }) => place === 'urgent'),
        ...line.filter(({ place }) => place === 'last'),
      ];
      line = [];
      return taken;
    },
    takeWhere(isTaken) {
      const taken = line.filter(isTaken);
      line = line.filter((caller) => !isTaken(caller));
      return taken;
    },
    get length() {
      return line.length;
    },
    get since() {
      return line.length === 0 ? undefined : Math.min(...line.map(({ since }) => since));
    },
    get isAllEarly() {
      return line.every(({ place }) => place !== 'last');
    },
  };
}

/**
 * What one exchange with the ledger asks for, to serve these callers. The caller that waits longest decides how patient
 * it is.
 */
export function askFor(callers: readonly Caller[], inProcessWaitMs: number, now: number): Ask {
  const count = (place: Caller['place']) => callers.filter((caller) => caller.place === place).length;
  const longestMs = now - Math.min(now, ...callers.map(({ since }) => since));
  return {
    returning: count('turn'),
    first: count('first'),
    urgent: count('urgent'),
    fresh: count('last'),
    patienceMs: Math.max(0, inProcessWaitMs - longestMs),
    mayProbeCircuit: callers.filter(({ mayProbeCircuit }) => mayProbeCircuit).length,
  };
}

/**
 * The caller that sends the probe. Any call tells whether a pause is over. An open circuit is probed by the first
 * caller that may probe it, or by the first of all when none may.
 */
export function proberAmong(callers: readonly Caller[], kind: 'paused' | 'open'): Caller | undefined {
  const present = callers.filter(({ isGone }) => !isGone);
  const judge = kind === 'open' ? present.find(({ mayProbeCircuit }) => mayProbeCircuit) : undefined;
  return judge ?? present[0];
}
