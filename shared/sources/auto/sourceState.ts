import type { ApiSign } from '../lookUp.ts';

/** Which source serves, and what is known of the Defender API. All processes share it. */
export type SourceState =
  | {
      mode: 'defender';
      /**
       * An alert that Defender has answered. Asked again, it tells an API that is gone from an alert that is unknown.
       */
      canary: string | null;
      /** When Defender answered last, to within `PROOF_MS`. */
      provedAt: Date | null;
      /** Signs in a row that the API is gone, without one that it serves; null without any. */
      doubt: { since: Date; signs: number; detail: string } | null;
    }
  | {
      mode: 'graph';
      canary: string | null;
      since: Date;
      /** Why Defender counts as gone, for a person. */
      detail: string;
      /** When Defender is asked once more. */
      nextProbeAt: Date;
    };

/** The state before the first answer. */
export const INITIAL_STATE: SourceState = { mode: 'defender', canary: null, provedAt: null, doubt: null };

/** From this age on a proof is written anew (ms); a younger one is not worth a write. */
const PROOF_MS = 10 * 60_000;
/** After this many signs in a row Defender counts as gone. */
const SIGNS = 3;
/** While Graph serves, Defender is asked once in this time (ms). */
export const PROBE_INTERVAL_MS = 3_600_000;

/**
 * The state after a sign. Defender is gone when it says so of itself (410, or no such address), when it refuses the app
 * although that has the role, or when it does not know an alert that it knew before. The last two count only where it
 * has served before, and all count only after several signs over `doubtMs` without one that it serves. An outage, a
 * missing role and an alert that was never known are no signs. Pure; the same object when nothing changes.
 * @param doubtMs How long the signs must span (ms).
 */
export function stateAfter(state: SourceState, sign: ApiSign, now: Date, doubtMs: number): SourceState {
  if (sign.kind === 'serves') {
    return afterService(state, sign.alertId, now);
  }
  if (sign.kind === 'unknown' && sign.alertId !== state.canary) {
    return state;
  }
  if (state.mode === 'graph') {
    return state;
  }
  const isDefinite = sign.kind === 'gone' && sign.isDefinite;
  if (!isDefinite && state.canary === null) {
    return state;
  }
  const detail =
    sign.kind === 'gone'
      ? sign.detail
      : `Defender does not know the alert ${sign.alertId}, which it has answered before`;
  const since = state.doubt?.since ?? now;
  const signs = (state.doubt?.signs ?? 0) + 1;
  if (signs >= SIGNS && now.getTime() - since.getTime() >= doubtMs) {
    const nextProbeAt = new Date(now.getTime() + PROBE_INTERVAL_MS);
    return { mode: 'graph', canary: state.canary, since: now, detail, nextProbeAt };
  }
  return { ...state, doubt: { since, signs, detail } };
}

function afterService(state: SourceState, alertId: string | undefined, now: Date): SourceState {
  const canary = alertId ?? state.canary;
  const proved: SourceState = { mode: 'defender', canary, provedAt: now, doubt: null };
  if (state.mode === 'graph' || state.doubt !== null || state.provedAt === null) {
    return proved;
  }
  return now.getTime() - state.provedAt.getTime() >= PROOF_MS ? proved : state;
}
