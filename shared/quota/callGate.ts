/**
 * What a call tests, in half-open state. `pause`: whether calls are accepted again after a 429; any call can test that.
 * `circuit`: whether the circuit may close; only a look-up can test that.
 */
export type Probe = 'pause' | 'circuit';

/** The right to make one call, now. */
export interface Permit {
  kind: 'granted';
  /** The time for which the call is booked, on the gate's own clock (milliseconds). */
  slot: number;
  /** Set when this call tells whether calls may be made again: its outcome must be reported. */
  probe: Probe | false;
}

/** The circuit is open: the source refuses every look-up. */
export interface OpenCircuit {
  kind: 'denied';
  /**
   * When the next probe may go. In the past when a probe is due that this caller must not send (`mayProbeCircuit` is
   * false).
   */
  until: Date;
  detail: string;
}

/** No call may be made before `until`. */
export interface Wait {
  kind: 'wait';
  /** `quota`: no slot is free in time. `throttled`: calls are paused after a 429. */
  reason: 'quota' | 'throttled';
  until: Date;
  /** True when the submission was promised a turn, and must say so when it returns. */
  inLine: boolean;
  /** For a person. */
  detail: string;
}

/** What a source hears when it wants to make one call. */
export type PermitDecision = Permit | OpenCircuit | Wait;

/** What the gate must know about a caller. */
export interface CallRequest {
  /**
   * The place in the line for slots: `turn` redeems a turn that was promised earlier, and `first` goes as early without
   * one (a second call of the same look-up, the next page of a list). `urgent` goes next, before those in line, as long
   * as urgent calls have not had their share of the limits, and then like `last`, which is for everything else.
   */
  place: 'turn' | 'first' | 'urgent' | 'last';
  /** Whether the call is a look-up as the app: then its outcome tells whether an open circuit may close. */
  mayProbeCircuit: boolean;
}

/**
 * Why the circuit opens: the app may not ask (`forbidden`: no token, no role), or the API says that it does not exist
 * any more (`retired`).
 */
export type CircuitCause = 'forbidden' | 'retired';

/** The rate limiter and circuit breaker before every call to an API, which all processes share. */
export interface CallGate {
  /** Whether the circuit is known to be open, without asking anybody: then no token need be asked for either. */
  openCircuit(): OpenCircuit | undefined;
  /**
   * Waits for a slot that is near, within the gate's own limit; otherwise says when to come back.
   * @throws When the ledger cannot be used.
   */
  acquire(request: CallRequest, signal: AbortSignal): Promise<PermitDecision>;
  /** The call for which the permit was given is not made: its slot goes to others. */
  release(permit: Permit): void;
  /** A call has come back, whatever it brought: if it took long, the server may have counted it later than booked. */
  returned(permit: Permit): void;
  /** A call was answered normally: if it was a probe, the pause or the open circuit ends for all instances. Never throws. */
  succeeded(permit: Permit): Promise<void>;
  /**
   * The server refused a call by rate; `retryAfterMs` is its own word on how long, if it gave one. All instances pause so
   * long, but no longer than an hour or the longest window. Never throws.
   */
  throttled(retryAfterMs: number | undefined): Promise<{ until: Date }>;
  /** A look-up was refused for what the app is or the API is; `detail` tells a person what to do. Never throws. */
  denied(
    permit: Permit | undefined,
    refusal: { cause: CircuitCause; detail: string },
  ): Promise<{ until: Date }>;
  /** Since when the caller that has waited longest in this process waits (the gate's own clock), if any does. */
  waitingSince(): number | undefined;
}

/** No slot is near: the submission is promised one, and comes back for it. */
export function promiseOf(turn: number): PermitDecision {
  const detail = 'the quota is used up until then';
  return { kind: 'wait', reason: 'quota', until: new Date(turn), inLine: true, detail };
}

export function pauseUntil(until: number, place: CallRequest['place']): PermitDecision {
  const detail = 'calls are paused after a 429';
  return { kind: 'wait', reason: 'throttled', until: new Date(until), inLine: place === 'turn', detail };
}

export function circuitOpen({ retryAt, detail }: { retryAt: number; detail: string }): OpenCircuit {
  return { kind: 'denied', until: new Date(retryAt), detail };
}
