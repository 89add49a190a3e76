import { shortestWindow } from './effectiveLimits.ts';
import { type Grant, gatheringMs, type Ledger, type LedgerRules } from './ledger.ts';
import { nextSlot } from './slidingLog.ts';

/**
 * What a process expects of the ledger from its last exchange with it. All times are milliseconds on the storage clock.
 * Each outlook but `free` holds until `until` at most; then the ledger is read again, because another instance may have changed it.
 */
export type Outlook =
  /** A slot is most likely to be had at once. */
  | { kind: 'free' }
  /** Slots are waited for: the next one is expected at `slotAt`, so callers gather and share an exchange. */
  | { kind: 'scarce'; slotAt: number; until: number }
  /** After a 429: the next probe may go at `retryAt`. */
  | { kind: 'paused'; retryAt: number; until: number }
  /** The circuit is open: the next probe may go at `retryAt`. */
  | { kind: 'open'; retryAt: number; detail: string; until: number };

/** An open circuit may be closed by another process at any time: it is taken for open no longer than this. */
const LONGEST_OPEN_MS = 30_000;

/** What a grant tells, and the ledger that it left behind. Pure. */
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

/** What a ledger tells in which feedback has just been booked. Pure. */
export function outlookOf({ pause, circuit }: Ledger, rules: LedgerRules, now: number): Outlook {
  if (circuit !== null) {
    return openUntil(circuit.probeAt, circuit.detail, now);
  }
  // After a long pause turns are promised, which only the ledger can.
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
 * When callers who wait should have their exchange with the ledger: at once where a slot is likely; where slots are
 * scarce, when many have gathered, one has waited a while, or a slot is due. Pure.
 * @param line How many wait, since when the first does, and whether all of them go before newcomers.
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
 * While slots are scarce, this many are asked for in one go, so that the ledger is written seldom: as many as the host
 * fetches at once. With more, newcomers of a long queue would keep workers busy only to hear when to come back.
 */
const LARGEST_BATCH = 16;

/** The rate rises, and another process may have probed: the ledger is read again after the shortest window at the latest. */
function pausedUntil(retryAt: number, rules: LedgerRules, now: number): Outlook {
  return { kind: 'paused', retryAt, until: Math.min(retryAt, now + shortestWindow(rules.limits).windowMs) };
}

function openUntil(retryAt: number, detail: string, now: number): Outlook {
  return { kind: 'open', retryAt, detail, until: Math.min(retryAt, now + LONGEST_OPEN_MS) };
}
