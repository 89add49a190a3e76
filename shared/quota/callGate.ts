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
   * The place in the line for slots. `turn` redeems a turn that was promised earlier. `first` goes as early without a
   * turn (a second call of the same look-up, the next page of a list). `urgent` goes before the line until urgent calls
   * have used up their share of the limits, and then like `last`. `last` is for all other calls.
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
  /**
   * The open circuit, if this process knows of one. Reads no storage, and spares the caller the request for a token.
   */
  openCircuit(): OpenCircuit | undefined;
  /**
   * Waits for a slot that is near, within the gate's own limit; otherwise says when to come back.
   * @throws When the ledger cannot be used.
   */
  acquire(request: CallRequest, signal: AbortSignal): Promise<PermitDecision>;
  /** The call for which the permit was given is not made: its slot goes to others. */
  release(permit: Permit): void;
  /**
   * A call was answered or has failed. If it took long, the server may have counted it later than booked, and the gate
   * books it anew.
   */
  returned(permit: Permit): void;
  /**
   * A call was answered normally. If it was a probe, the pause or the open circuit ends for all processes. Never
   * throws.
   */
  succeeded(permit: Permit): Promise<void>;
  /**
   * The server refused a call by rate. `retryAfterMs` is how long it asks to wait; undefined when it does not say. All
   * processes pause for that time, but no longer than an hour or the longest window of the limits, if that is longer.
   * Never throws.
   * @returns When the pause ends.
   */
  throttled(retryAfterMs: number | undefined): Promise<{ until: Date }>;
  /** A look-up was refused for what the app is or the API is; `detail` tells a person what to do. Never throws. */
  denied(
    permit: Permit | undefined,
    refusal: { cause: CircuitCause; detail: string },
  ): Promise<{ until: Date }>;
  /** When the caller that waits longest in this process came (ms on the gate's clock); undefined when none waits. */
  waitingSince(): number | undefined;
}

/** No slot is near: the submission is promised one, and comes back for it. */
export function promiseOf(turn: number): PermitDecision {
  const detail = 'the quota is used up until then';
  return { kind: 'wait', reason: 'quota', until: new Date(turn), inLine: true, detail };
}

/** Calls are paused after a 429. `until` is milliseconds on the storage clock. */
export function pauseUntil(until: number, place: CallRequest['place']): PermitDecision {
  const detail = 'calls are paused after a 429';
  return { kind: 'wait', reason: 'throttled', until: new Date(until), inLine: place === 'turn', detail };
}

/** The circuit is open. `retryAt` is milliseconds on the storage clock. */
export function circuitOpen({ retryAt, detail }: { retryAt: number; detail: string }): OpenCircuit {
  return { kind: 'denied', until: new Date(retryAt), detail };
}
