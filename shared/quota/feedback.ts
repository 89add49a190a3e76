import type { CircuitCause, Probe } from './callGate.ts';
import { struck } from './effectiveLimits.ts';
import { type Ledger, type LedgerRules, probeIntervalMs } from './ledger.ts';

/**
 * What became of a call, as the ledger must know it. A process keeps feedback until an exchange with the ledger has
 * booked it, so each carries its own time (milliseconds on the storage clock).
 */
export type Feedback =
  /** The server may have counted the call as late as `calledAt`. */
  | { kind: 'moved'; slot: number; calledAt: number }
  /** The call that was booked for this time was never made. */
  | { kind: 'unused'; slot: number }
  /** A probe that was made at `slot` was answered normally. */
  | { kind: 'succeeded'; probe: Probe; slot: number }
  /** The server refused a call by rate. */
  | { kind: 'throttled'; until: number; at: number }
  /** The source refused a look-up for what the app or the API is. */
  | { kind: 'denied'; isProbe: boolean; cause: CircuitCause; detail: string; at: number };

/** The ledger with all feedback booked; the same object when that changes nothing. Pure. */
export function book(ledger: Ledger, rules: LedgerRules, feedback: readonly Feedback[]): Ledger {
  return feedback.reduce((booked, entry) => bookOne(booked, rules, entry), ledger);
}

function bookOne(ledger: Ledger, rules: LedgerRules, entry: Feedback): Ledger {
  switch (entry.kind) {
    case 'moved':
      return replaceCall(ledger, entry.slot, [entry.calledAt]);
    case 'unused':
      return replaceCall(ledger, entry.slot, []);
    case 'succeeded':
      return resume(ledger, entry.probe, entry.slot);
    case 'throttled':
      return throttle(ledger, rules, entry);
    case 'denied':
      return openCircuit(ledger, rules, entry);
  }
}

/** Books a call at another time, or removes it. A call that the log has dropped is still added at its new time. */
function replaceCall(ledger: Ledger, slot: number, calledAt: readonly number[]): Ledger {
  const index = ledger.calls.indexOf(slot);
  if (index < 0 && calledAt.length === 0) {
    return ledger;
  }
  const others = index < 0 ? ledger.calls : ledger.calls.toSpliced(index, 1);
  return { ...ledger, calls: [...others, ...calledAt].sort((left, right) => left - right) };
}

/** All processes pause until the server's time, never shorter than before, and the rate is lowered. */
function throttle(ledger: Ledger, rules: LedgerRules, { until, at }: { until: number; at: number }): Ledger {
  return {
    ...ledger,
    pause: { until: Math.max(until, ledger.pause?.until ?? 0), at: Math.max(at, ledger.pause?.at ?? 0) },
    strike: struck(ledger.strike, rules.limits, at),
  };
}

/**
 * The circuit opens for all processes. A refusal when a probe was due makes the interval longer. A refusal of a call
 * that was under way when the circuit opened changes nothing.
 */
function openCircuit(
  ledger: Ledger,
  rules: LedgerRules,
  { isProbe, cause, detail, at }: Extract<Feedback, { kind: 'denied' }>,
): Ledger {
  const { circuit } = ledger;
  if (circuit !== null && !isProbe && at < circuit.probeAt) {
    return ledger;
  }
  const failures = (circuit?.failures ?? 0) + 1;
  const probeAt = at + probeIntervalMs(failures - 1, rules);
  return {
    ...ledger,
    circuit: { openedAt: circuit?.openedAt ?? at, refusedAt: at, failures, probeAt, cause, detail },
  };
}

/**
 * The probe ends the pause for all processes; a probe of the circuit ends that too. A success says nothing about a 429
 * or a refusal that came after its call was made.
 */
function resume(ledger: Ledger, probe: Probe, slot: number): Ledger {
  const { pause, circuit } = ledger;
  const endsPause = pause !== null && pause.at <= slot;
  const endsCircuit = probe === 'circuit' && circuit !== null && circuit.refusedAt <= slot;
  if (!endsPause && !endsCircuit) {
    return ledger;
  }
  return { ...ledger, pause: endsPause ? null : pause, circuit: endsCircuit ? null : circuit };
}
