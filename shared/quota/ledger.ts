import type { RateLimit } from '../config/rateLimits.ts';
import type { CircuitCause } from './callGate.ts';
import {
  effectiveLimits,
  effectiveRate,
  nextRateRise,
  type RateStrike,
  spreadLimits,
} from './effectiveLimits.ts';
import { allowedSince, callsInWindow, nextSlot, nextSlots, trimLog } from './slidingLog.ts';

/**
 * The ledger: what all instances that share one quota know together. All times are milliseconds on the storage
 * service's clock. Every function here is pure and returns the next state.
 */
export interface Ledger {
  /** Reserved call times, ascending; as far back as the longest window reaches. */
  calls: number[];
  /** Submissions that left with the promise of a turn and have not come back. */
  waiting: number;
  /** Slots promised to submissions that came back before one was free, ascending. */
  displaced: number[];
  /** The latest turn promised. */
  lastTurnAt: number;
  /** Slots of urgent calls that went before a line, ascending; as far back as the longest window reaches. */
  urgent: number[];
  /** Set by a 429 until a probe has succeeded; `at` is when the last 429 came. */
  pause: Pause | null;
  /** What 429s have done to the rate. */
  strike: RateStrike | null;
  /** Set while the source refuses every look-up. */
  circuit: Circuit | null;
}

export interface Pause {
  until: number;
  at: number;
}

/** An open circuit. Times are milliseconds on the storage clock. */
export interface Circuit {
  openedAt: number;
  /** When the last refusal came that counted. */
  refusedAt: number;
  /** When the next probe may go. */
  probeAt: number;
  /** Refused probes in a row. */
  failures: number;
  cause: CircuitCause;
  /** What was refused and what to do, for a person. */
  detail: string;
}

/** The ledger before the first call. */
export const EMPTY_LEDGER: Ledger = {
  calls: [],
  waiting: 0,
  displaced: [],
  lastTurnAt: 0,
  urgent: [],
  pause: null,
  strike: null,
  circuit: null,
};

/** What of the settings the ledger needs. */
export interface LedgerRules {
  limits: readonly RateLimit[];
  /** The part of every limit that this app may use (0 to 1). */
  share: number;
  /** The longest a submission waits inside a worker for its slot. */
  inProcessWaitMs: number;
  /** How long a probe may take before the next one is let through, and the first interval of the circuit. */
  probeIntervalMs: number;
}

/** Most promises to the displaced that are told apart; the oldest are forgotten first. */
const MOST_DISPLACED = 2_000;
/** The part of each limit that urgent calls may take before those in line. */
const URGENT_SHARE = 1 / 5;
/** Longest time between two probes of an open circuit. */
const LONGEST_PROBE_INTERVAL_MS = 15 * 60_000;
/** Every look-up that was put back has returned by then: each waits at most twice as long as it was told. */
const NOBODY_LEFT_TO_PROBE_MS = 2 * LONGEST_PROBE_INTERVAL_MS;

/** Longest time from the end of a delay to the delivery: delays are rounded up to seconds, the host polls every two. */
const DELIVERY_MS = 3_000;

/** How much earlier than its forecast slot a turn wakes its submission, so that a slot never waits for a caller. */
export function turnLeadMs(rules: LedgerRules): number {
  return gatheringMs(rules) + DELIVERY_MS;
}

/** How long callers gather in a process while slots are scarce, to share one exchange (ms). */
export function gatheringMs(rules: LedgerRules): number {
  return rules.inProcessWaitMs / 6;
}

/** What share and rate leave of the limits at `now`. Pure. */
export function limitsInForce(ledger: Ledger, rules: LedgerRules, now: number): RateLimit[] {
  return effectiveLimits(rules.limits, rules.share, effectiveRate(ledger.strike, rules.limits, now));
}

/** How many calls are asked for at once, by the callers' places in the line. */
export interface Ask {
  /** For turns that were promised. */
  returning: number;
  /** As early as those, but without a turn that was promised. */
  first: number;
  /** Before those in line as well, as long as the share of urgent calls lasts. */
  urgent: number;
  fresh: number;
  /** How much longer these callers can wait in their process, in milliseconds. */
  patienceMs: number;
  /** How many of all these may probe an open circuit. */
  mayProbeCircuit: number;
}

/** What an `Ask` is granted. Slots and turns are for the returning and the first, the urgent, and then the fresh ones. */
export type Grant =
  | { kind: 'slots'; slots: number[]; turns: number[] }
  /** A 429 paused all calls: one probe may call at the time `probe`, all others ask again at `retryAt`. */
  | { kind: 'paused'; probe: number | null; retryAt: number }
  /**
   * The circuit is open. With `probe` set, one caller sends the probe at that time: the first that may probe the circuit,
   * or the first of all when none may. All others come back at `retryAt`, which is past when a probe is due and no caller
   * may send it.
   */
  | { kind: 'open'; probe: number | null; retryAt: number; detail: string };

export interface AskResult {
  ledger: Ledger;
  grant: Grant;
}

/**
 * Reserves slots for as many callers as can call soon, and promises turns to the rest.
 *
 * The rule of the line is first come, first served. Holders of turns go before new callers, new ones queue up
 * behind every promised turn, and those that come back too early (a pause, a lowered rate) are promised the next slots,
 * before the turns that come later. A slot that no holder of a turn has claimed in time goes to the next caller, so
 * that neither a lost submission nor holders who are late, because the queue is long, hold the line up. Thus a new alert
 * waits as long as the line before it needs, and no stream of new ones delays those in line. Urgent callers are the
 * exception: they go before the line with a fifth of each limit at most, so that those in line keep the rest.
 */
export function ask(ledger: Ledger, rules: LedgerRules, request: Ask, now: number): AskResult {
  if (ledger.circuit !== null) {
    return askOpenCircuit(ledger, ledger.circuit, rules, request, now);
  }
  if (ledger.pause !== null && ledger.pause.until <= now + rules.inProcessWaitMs / 2) {
    return askPaused(ledger, ledger.pause, rules, now);
  }
  return askForSlots({ ...ledger, calls: trimLog(ledger.calls, rules.limits, now) }, rules, request, now);
}

function askForSlots(ledger: Ledger, rules: LedgerRules, request: Ask, now: number): AskResult {
  const leadMs = turnLeadMs(rules);
  const gatherMs = gatheringMs(rules);
  const lineIsGone = now > ledger.lastTurnAt + rules.inProcessWaitMs;
  const inForce = limitsInForce(ledger, rules, now);
  const spread = lineIsGone ? (whole: RateLimit[]) => whole : spreadLimits;
  const limits = spread(inForce);
  const waiting = lineIsGone ? 0 : Math.max(0, ledger.waiting - request.returning);
  const promised = request.returning + request.first;
  const mayPass = waiting > 0 ? urgentCallsLeft(ledger, rules, now) : request.urgent;
  const early = promised + Math.min(request.urgent, mayPass);
  const all = promised + request.urgent + request.fresh;

  const calls = [...ledger.calls];
  const slots: number[] = [];
  while (ledger.pause === null && slots.length < all) {
    const slot = nextSlot(calls, limits, now);
    const isFresh = slots.length >= early;
    // By the limits that are not spread: with spread ones every slot seems to have become free just now.
    const isLeftOver = slot <= now + gatherMs && allowedSince(calls, inForce) <= now - 2 * gatherMs;
    const lineHasFirstRight = waiting > 0 && !isLeftOver;
    if (slot > now + request.patienceMs || (isFresh && lineHasFirstRight)) {
      break;
    }
    calls.push(slot);
    slots.push(slot);
  }

  const from = Math.max(now, ledger.pause?.until ?? now);
  const tooEarly = Math.max(0, early - slots.length);
  const newcomers = all - slots.length - tooEarly;
  const displacedBefore = ledger.displaced.filter((slot) => slot > now + leadMs);
  const displacedNow = forecastSlots(merged(calls, displacedBefore), ledger, rules, spread, from, tooEarly);
  const displaced = [...displacedBefore, ...displacedNow].slice(-MOST_DISPLACED);
  // The end of the line is forecast at the full rate: who comes too early then is displaced, who comes too late wastes slots.
  const fullRate = spreadLimits(effectiveLimits(rules.limits, rules.share, 1));
  const newcomersSlots = nextSlots(calls, fullRate, from, waiting + newcomers).slice(waiting);

  // Without a line, nothing is passed.
  const passing = waiting > 0 ? [...slots.slice(0, early), ...displacedNow].slice(promised) : [];
  const urgent = merged(trimLog(ledger.urgent, rules.limits, now), passing);

  const turns = [...displacedNow, ...newcomersSlots].map((slot) => Math.max(now, Math.floor(slot - leadMs)));
  return {
    ledger: {
      ...ledger,
      calls,
      displaced,
      urgent,
      waiting: waiting + turns.length,
      lastTurnAt: Math.max(lineIsGone ? 0 : ledger.lastTurnAt, ...turns),
    },
    grant: { kind: 'slots', slots, turns },
  };
}

/** How many urgent calls may still go before the line. Those that are to come count as much as those of the past. */
export function urgentCallsLeft(ledger: Ledger, rules: LedgerRules, now: number): number {
  const rate = effectiveRate(ledger.strike, rules.limits, now);
  const left = effectiveLimits(rules.limits, rules.share * rate * URGENT_SHARE, 1).map(
    ({ calls, windowMs }) => calls - callsInWindow(ledger.urgent, windowMs, now),
  );
  return Math.max(0, Math.min(...left));
}

/**
 * The next `count` slots as they will be when the rate rises again: at the rate of now alone, a slot can seem to be most
 * of an hour away which is free as soon as the rate has risen a little.
 */
function forecastSlots(
  log: readonly number[],
  ledger: Ledger,
  rules: LedgerRules,
  shape: (limits: RateLimit[]) => RateLimit[],
  from: number,
  count: number,
): number[] {
  const extended = [...log];
  let at = from;
  while (extended.length < log.length + count) {
    const slot = nextSlot(extended, shape(limitsInForce(ledger, rules, at)), at);
    const rise = nextRateRise(ledger.strike, rules.limits, at);
    if (rise !== undefined && slot > rise) {
      at = rise;
    } else {
      extended.push(slot);
    }
  }
  return extended.slice(log.length);
}

function merged(calls: readonly number[], promised: readonly number[]): number[] {
  return [...calls, ...promised].sort((left, right) => left - right);
}

function askPaused(ledger: Ledger, pause: Pause, rules: LedgerRules, now: number): AskResult {
  const probe = probeSlot(ledger, rules, now, pause.until);
  if (probe > now) {
    return { ledger, grant: { kind: 'paused', probe: null, retryAt: probe } };
  }
  const retryAt = now + rules.probeIntervalMs;
  return {
    ledger: { ...ledger, calls: [...ledger.calls, probe], pause: { ...pause, until: retryAt } },
    grant: { kind: 'paused', probe, retryAt },
  };
}

/**
 * A call that may not probe is no judge of the circuit, and must not use up the probe of one that is. But where no
 * look-up is left to come, any call goes: otherwise a circuit that holds back the poller never closes.
 */
function askOpenCircuit(
  ledger: Ledger,
  circuit: Circuit,
  rules: LedgerRules,
  request: Ask,
  now: number,
): AskResult {
  const { detail } = circuit;
  const mayProbe = request.mayProbeCircuit > 0 || now >= circuit.probeAt + NOBODY_LEFT_TO_PROBE_MS;
  const probe = probeSlot(ledger, rules, now, Math.max(circuit.probeAt, ledger.pause?.until ?? 0));
  if (probe > now || !mayProbe) {
    return { ledger, grant: { kind: 'open', probe: null, retryAt: probe, detail } };
  }
  const probeAt = now + probeIntervalMs(circuit.failures, rules);
  return {
    ledger: { ...ledger, calls: [...ledger.calls, probe], circuit: { ...circuit, probeAt } },
    grant: { kind: 'open', probe, retryAt: probeAt, detail },
  };
}

/** A probe is a call like any other: it keeps the limits too. */
function probeSlot(ledger: Ledger, rules: LedgerRules, now: number, notBefore: number): number {
  const whole = (limits: RateLimit[]) => limits;
  const [slot = now] = forecastSlots(ledger.calls, ledger, rules, whole, Math.max(now, notBefore), 1);
  return slot;
}

/** How long the next probe of the circuit waits after this many refused ones. */
export function probeIntervalMs(failures: number, rules: LedgerRules): number {
  return Math.min(LONGEST_PROBE_INTERVAL_MS, rules.probeIntervalMs * 2 ** Math.min(failures, 20));
}
