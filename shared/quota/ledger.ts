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
 * The ledger: what all processes that share one quota know together. All times are milliseconds on the storage
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
  /** Set by a 429 until a probe has succeeded. */
  pause: Pause | null;
  /** What 429s have done to the rate. */
  strike: RateStrike | null;
  /** Set while the source refuses every look-up. */
  circuit: Circuit | null;
}

/** Calls are paused after a 429, until a probe at `until`. `at` is when the last 429 came. */
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
  /** Longest wait of a submission in its process for a slot (ms). */
  inProcessWaitMs: number;
  /** Longest time of a probe (ms), then the next one may go; also the first interval of an open circuit. */
  probeIntervalMs: number;
}

/** Most entries of `displaced`; the oldest are dropped first. */
const MOST_DISPLACED = 2_000;
/** The part of each limit that urgent calls may take before those in line. */
const URGENT_SHARE = 1 / 5;
/** Longest time between two probes of an open circuit (ms). */
const LONGEST_PROBE_INTERVAL_MS = 15 * 60_000;
/** How long a due probe is kept for look-ups (ms): each that was put back comes within twice the time it was told. */
const KEPT_FOR_LOOK_UPS_MS = 2 * LONGEST_PROBE_INTERVAL_MS;

/** Longest time from the end of a delay to the delivery (ms): delays are whole seconds, the host polls every two. */
const DELIVERY_MS = 3_000;

/** How much earlier than its forecast slot a turn wakes its submission (ms), so that slots do not wait for callers. */
export function turnLeadMs(rules: LedgerRules): number {
  return gatheringMs(rules) + DELIVERY_MS;
}

/** How long callers gather in a process while slots are scarce, to share one exchange (ms). */
export function gatheringMs(rules: LedgerRules): number {
  return rules.inProcessWaitMs / 6;
}

/** The limits as share and rate leave them at `now`. Pure. */
export function limitsInForce(ledger: Ledger, rules: LedgerRules, now: number): RateLimit[] {
  return effectiveLimits(rules.limits, rules.share, effectiveRate(ledger.strike, rules.limits, now));
}

/** How many calls are asked for at once, by the callers' places in the line. */
export interface Ask {
  /** For turns that were promised. */
  returning: number;
  /** As early as those, but without a turn that was promised. */
  first: number;
  /** Before the line too, until urgent calls have used up their share. */
  urgent: number;
  fresh: number;
  /** How much longer these callers can wait in their process (ms). */
  patienceMs: number;
  /** How many of all these may probe an open circuit. */
  mayProbeCircuit: number;
}

/** What an `Ask` is granted. Slots and turns go to returning and first callers, then urgent, then fresh ones. */
export type Grant =
  | { kind: 'slots'; slots: number[]; turns: number[] }
  /** A 429 paused all calls: one probe may call at the time `probe`, all others ask again at `retryAt`. */
  | { kind: 'paused'; probe: number | null; retryAt: number }
  /**
   * The circuit is open. With `probe` set, one caller sends the probe at that time: the first that may probe the
   * circuit, or the first of all when none may. All others come back at `retryAt`, which is now when none may send the
   * due probe.
   */
  | { kind: 'open'; probe: number | null; retryAt: number; detail: string };

/** The ledger after an `Ask`, and what the callers are granted. */
export interface AskResult {
  ledger: Ledger;
  grant: Grant;
}

/**
 * Reserves slots for as many callers as can call soon, and promises turns to the rest.
 *
 * The rule of the line is first come, first served. Holders of turns go before new callers, and new callers queue up
 * behind every promised turn. Holders that come back too early (a pause, a lowered rate) are promised the next slots,
 * before later turns. A slot that no holder has claimed in time goes to the next caller, so that neither a lost
 * submission nor a late holder holds the line up. Thus a new alert waits as long as the line before it needs, and no
 * stream of new ones delays the line. Urgent callers are the exception: they go before the line with a fifth of each
 * limit at most.
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
  // The end of the line is forecast at the full rate: one that comes too early is displaced, a late one wastes slots.
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

/** How many urgent calls may still go before the line. Reserved calls of the future count like those of the past. */
export function urgentCallsLeft(ledger: Ledger, rules: LedgerRules, now: number): number {
  const rate = effectiveRate(ledger.strike, rules.limits, now);
  const left = effectiveLimits(rules.limits, rules.share * rate * URGENT_SHARE, 1).map(
    ({ calls, windowMs }) => calls - callsInWindow(ledger.urgent, windowMs, now),
  );
  return Math.max(0, Math.min(...left));
}

/**
 * The next `count` slots, while the rate rises. At the rate of now alone a slot can seem to be most of an hour away,
 * although it is free as soon as the rate has risen a little.
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
 * Only a look-up tells whether the circuit may close, so no other call may use up its probe. When no look-up can come
 * any more, any call goes: otherwise a circuit that holds back the poller would never close.
 */
function askOpenCircuit(
  ledger: Ledger,
  circuit: Circuit,
  rules: LedgerRules,
  request: Ask,
  now: number,
): AskResult {
  const { detail } = circuit;
  const mayProbe = request.mayProbeCircuit > 0 || now >= circuit.probeAt + KEPT_FOR_LOOK_UPS_MS;
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

/** How long the next probe of the circuit waits after this many refused ones (ms). */
export function probeIntervalMs(failures: number, rules: LedgerRules): number {
  return Math.min(LONGEST_PROBE_INTERVAL_MS, rules.probeIntervalMs * 2 ** Math.min(failures, 20));
}
