import { shortestWindow } from './effectiveLimits.ts';
import { type Grant, gatheringMs, type Ledger, type LedgerRules } from './ledger.ts';
import { nextSlot } from './slidingLog.ts';

/**
 * What a process expects of the ledger from its last exchange with it. All times are milliseconds on the storage clock.
 * Each outlook but `free` holds until `until` at most; then the process reads the ledger again, because another process
 * may have changed it.
 */
export type Outlook =
  /** A slot is most likely to be had at once. */
  | { kind: 'free' }
  /** Callers wait for slots. The next one is expected at `slotAt`, so callers gather and share an exchange. */
  | { kind: 'scarce'; slotAt: number; until: number }
  /** After a 429: the next probe may go at `retryAt`. */
  | { kind: 'paused'; retryAt: number; until: number }
  /** The circuit is open: the next probe may go at `retryAt`. */
  | { kind: 'open'; retryAt: number; detail: string; until: number };

/**
 * Longest time for which a process takes the circuit for open without reading the ledger (ms): another one may close
 * it.
 */
const LONGEST_OPEN_MS = 30_000;

/** The outlook after a grant, with the ledger that it left behind. Pure. */
export function outlookAfter(grant: Grant, ledger: Ledger, rules: LedgerRules, now: number): Outlook {
  switch (grant.kind) {
    case 'slots': {
      const lastSlot = grant.slots.at(-1) ?? 0;
      const isScarce = grant.turns.length > 0 || lastSlot > now + gatheringMs(rules);
      if (!isScarce) {
        return { kind: 'free' };
      }
      const lineEnds = Math.max(lastSlot, ledger.lastTurnAt + rules.inProcessWaitMs);
      const slotAt = nextSlot(ledger.calls, rules.limits, 0);
      return {
        kind: 'scarce',
        slotAt,
        until: Math.min(lineEnds, now + shortestWindow(rules.limits).windowMs),
      };
    }
    case 'paused':
      return pausedUntil(grant.retryAt, rules, now);
    case 'open':
      return openUntil(grant.retryAt, grant.detail, now);
  }
}

/** The outlook from a ledger in which feedback has just been booked. Pure. */
export function outlookOf({ pause, circuit }: Ledger, rules: LedgerRules, now: number): Outlook {
  if (circuit !== null) {
    return openUntil(circuit.probeAt, circuit.detail, now);
  }
  // During a long pause callers are promised turns, and only the ledger can do that: they ask it.
  if (pause !== null && pause.until <= now + rules.inProcessWaitMs / 2) {
    return pausedUntil(pause.until, rules, now);
  }
  return { kind: 'free' };
}

/** The outlook as it is now: one that has ended is `free`. Pure. */
export function outlookAt(outlook: Outlook, now: number): Outlook {
  return outlook.kind !== 'free' && now >= outlook.until ? { kind: 'free' } : outlook;
}

/**
 * When callers that wait should have their exchange with the ledger (storage clock, ms): at once where a slot is
 * likely; where slots are scarce, when many have gathered, one has waited a while, or a slot is due. Pure.
 * @param line How many callers wait, since when the first does, and whether all of them go before newcomers.
 */
export function exchangeAt(
  outlook: Outlook,
  line: { length: number; since: number; isAllEarly: boolean },
  rules: LedgerRules,
  now: number,
): number {
  const current = outlookAt(outlook, now);
  switch (current.kind) {
    case 'free':
    case 'open':
      return now;
    case 'paused':
      return Math.min(current.retryAt, current.until);
    case 'scarce': {
      const gathered = line.length >= LARGEST_BATCH ? now : line.since + gatheringMs(rules);
      // Holders of turns may as well gather until their slots are near; new ones are told at once where they stand.
      const canGather = line.isAllEarly && current.slotAt <= line.since + rules.inProcessWaitMs;
      const due = canGather ? Math.max(gathered, current.slotAt - gatheringMs(rules)) : gathered;
      return Math.min(due, current.until);
    }
  }
}

/**
 * While slots are scarce, an exchange goes as soon as this many callers wait, so that the ledger is written seldom. The
 * host fetches as many messages at once. With more, newcomers of a long queue would keep workers busy only to hear when
 * to come back.
 */
const LARGEST_BATCH = 16;

/**
 * The ledger is read again after the shortest window at the latest: the rate rises, and another process may have
 * probed.
 */
function pausedUntil(retryAt: number, rules: LedgerRules, now: number): Outlook {
  return { kind: 'paused', retryAt, until: Math.min(retryAt, now + shortestWindow(rules.limits).windowMs) };
}

function openUntil(retryAt: number, detail: string, now: number): Outlook {
  return { kind: 'open', retryAt, detail, until: Math.min(retryAt, now + LONGEST_OPEN_MS) };
}
