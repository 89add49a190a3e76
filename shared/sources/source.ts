import type { Machine } from '../device/machine.ts';

/** What a source is asked for: one alert, with what the submitter knows about it. */
export interface AlertReference {
  alertId: string;
  machineId?: string | undefined;
  /** True when the submission comes back for the turn it was promised in the line for quota. */
  inLine: boolean;
}

/**
 * What a source answers about one alert. Expected outcomes only; a source throws nothing but bugs and
 * failures of our own storage.
 */
export type SourceAnswer =
  /** The device behind the alert, as received and valid. */
  | { kind: 'found'; machine: Machine; retrievedAt: Date }
  /** The source knows no such alert, or no device behind it: it does not say which. */
  | { kind: 'not_found'; detail: string }
  /** No call may be made before `until`. Not the alert's fault: no attempt is counted. */
  | { kind: 'throttled'; until: Date; inLine: boolean; detail: string }
  /** The app may not ask (no token, no role). Not the alert's fault: no attempt is counted. */
  | { kind: 'denied'; until: Date; detail: string }
  /** The source failed for now: network, timeout, 5xx. `retryAfterMs` is its own word on how long. */
  | { kind: 'unavailable'; retryAfterMs?: number | undefined; detail: string }
  /** The answer is of no use: no machine, or too long. Asked again it may be the same. */
  | { kind: 'unusable'; detail: string }
  /** The source lets the app ask, but not about this alert. It may change its mind. */
  | { kind: 'forbidden'; detail: string }
  /** Our own time was up before the answer came: no attempt is counted. */
  | { kind: 'interrupted'; detail: string }
  /** The source refuses this alert for good. */
  | { kind: 'rejected'; code: string; message: string; target?: string | undefined };

/**
 * Where a machine comes from. A source decides itself how many calls an answer costs and asks the quota for each,
 * so that one which answers many alerts in one call fits behind the same interface.
 */
export interface Source {
  readonly name: string;
  find(alert: AlertReference, signal: AbortSignal): Promise<SourceAnswer>;
}
