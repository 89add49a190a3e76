/** What a source hears when it wants to make one call. */
export type Permit =
  /** Call now. */
  | { kind: 'granted' }
  /** No slot before `until`. `inLine` is true when the submission was promised a turn and must say so when it returns. */
  | { kind: 'wait'; until: Date; inLine: boolean; detail: string }
  /** The circuit is open: the source refuses the app as a whole. */
  | { kind: 'denied'; until: Date; detail: string };

/** Guards every call to a rate-limited API, for all instances together. */
export interface CallGate {
  /** Waits for a slot that is near, within the gate's own limit; otherwise says when to come back. */
  acquire(request: { inLine: boolean }, signal: AbortSignal): Promise<Permit>;
  /** A call was answered normally: whatever was closed may open. */
  succeeded(): Promise<void>;
  /** The server refused a call by rate; `retryAfterMs` is its own word on how long, if it gave one. */
  throttled(retryAfterMs: number | undefined): Promise<{ until: Date }>;
  /** The app as a whole was refused (no token, 401, 403). */
  denied(detail: string): Promise<{ until: Date }>;
}
