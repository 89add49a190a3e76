import { setTimeout as delay } from 'node:timers/promises';
import type { CallRequest, CircuitCause, Permit } from '../quota/callGate.ts';
import { type AccessFailure, type Api, type ApiAccess, callApi, withGrants } from './apiCall.ts';
import type { Failure } from './apiReply.ts';
import type { SourceAnswer } from './source.ts';

/** The API whose look-ups these are, and what a person has to do when it refuses them. */
export interface LookUpApi extends Api {
  /** Any of these roles lets the app make the call. */
  roles: readonly string[];
  /** Ends the sentence about a call that was refused with 403: which role to grant, and where. */
  advice: string;
  /** Ends the sentence about an API that is gone. */
  end: string;
  /** Whether a 403 can be about one alert, as of a device outside of what the app may see; else it is about the app. */
  refusesSingleAlerts: boolean;
}

/** What look-ups need besides the API. */
export interface LookUpDeps extends ApiAccess {
  /** Uniform in [0, 1). */
  random: () => number;
  /** Base of the pauses between quick retries, in milliseconds. */
  retryBaseDelayMs: number;
  /** Hears what each look-up says about the API itself. */
  onSign?: ((sign: ApiSign) => void) | undefined;
}

/**
 * What an answer says about the API as a whole: it serves; it has nothing behind the ID asked for (`unknown`); it is
 * gone, or refuses an app that has the role, which may mean the same. Faults that pass say nothing.
 */
export type ApiSign =
  /** `alertId` is the alert that it has answered about; undefined for a list. */
  | { kind: 'serves'; alertId: string | undefined }
  | { kind: 'unknown'; alertId: string }
  /** `isDefinite` when the API says of itself that it does not exist. */
  | { kind: 'gone'; detail: string; isDefinite: boolean };

/** What a look-up came to that brought no answer of the kind asked for. */
export type LookUpFailure = Exclude<SourceAnswer, { kind: 'found' }>;

/** Makes look-ups in one API: with quick retries, and with the circuit that opens when the app may not ask. */
export type LookUp = <Answer extends { kind: string }>(
  request: {
    /** The alert asked about; undefined for a list, which says nothing about one alert. */
    alertId: string | undefined;
    place: CallRequest['place'];
    call: (token: string) => Promise<Answer | Failure>;
  },
  signal: AbortSignal,
) => Promise<Answer | LookUpFailure>;

/** Most quick retries of a passing fault, before the submission is deferred. */
const QUICK_RETRIES = 2;
/** From this many alerts refused with 403 in a row, without another answer in between, the refusal is about the app. */
const REFUSED_ALERTS_IN_A_ROW = 3;

/**
 * Makes the look-ups of one API. Each goes through `callApi`.
 * @example
 * const lookUp = createLookUp(DEVICE_LOOK_UPS, { gate, tokens, random, retryBaseDelayMs: 5_000 });
 * const call = (token: string) => client.machineOfAlert(alertId, token, signal);
 * const answer = await lookUp({ alertId, place: 'last', call }, signal);
 */
export function createLookUp(api: LookUpApi, deps: LookUpDeps): LookUp {
  const { gate, tokens, random, onSign = () => undefined } = deps;
  /** Alerts that were refused with 403 since the last answer of another kind. */
  const refusedAlerts = new Set<string>();

  /** Opens the circuit: no alert can be looked up until the cause is corrected. */
  async function stopAll(
    permit: Permit | undefined,
    cause: CircuitCause,
    detail: string,
  ): Promise<LookUpFailure> {
    const { until } = await gate.denied(permit, { cause, detail });
    return { kind: 'denied', until, detail };
  }

  /**
   * Whether a 403 is about the app or about one alert, the API does not say. It is about the app when the token lacks
   * the role, when the API itself speaks of roles or the audience, when it is the answer to a probe, or when several
   * alerts in a row are refused. Otherwise this alert alone is refused, and others go on.
   */
  async function refused(
    alertId: string | undefined,
    {
      permit,
      code,
      detail: reason,
      advice = api.advice,
      roles,
    }: Extract<AccessFailure, { kind: 'forbidden' }>,
  ): Promise<LookUpFailure> {
    refusedAlerts.add(alertId ?? 'a list');
    const hasRole = roles?.some((role) => api.roles.includes(role)) ?? false;
    const speaksOfApp = /\b(application roles?|audience)\b/i.test(reason);
    if (hasRole && !speaksOfApp) {
      onSign({ kind: 'gone', detail: reason, isDefinite: false });
    }
    const isAboutApp =
      !hasRole || speaksOfApp || permit.probe === 'circuit' || refusedAlerts.size >= REFUSED_ALERTS_IN_A_ROW;
    if (api.refusesSingleAlerts && !isAboutApp) {
      // The answer shows that calls are let through: if this was the probe after a 429, the pause is over.
      await gate.succeeded(permit);
      return { kind: 'forbidden', detail: `${reason} (${code})` };
    }
    return stopAll(permit, 'forbidden', withGrants(`${reason}. ${advice}`, tokens));
  }

  return async function lookUp<Answer extends { kind: string }>(
    request: Parameters<LookUp>[0] & { call: (token: string) => Promise<Answer | Failure> },
    signal: AbortSignal,
  ): Promise<Answer | LookUpFailure> {
    let fault: LookUpFailure | undefined;
    for (let retry = 0; ; retry += 1) {
      const answer = await lookUpOnce(retry > 0 ? { ...request, place: 'first' } : request, signal);
      // A source that hangs would never count as unavailable if the end of the run hid the tries before.
      if (
        fault !== undefined &&
        signal.aborted &&
        (answer.kind === 'interrupted' || answer.kind === 'wait')
      ) {
        return fault;
      }
      if (!isUnavailable(answer) || retry === QUICK_RETRIES) {
        return answer;
      }
      fault = answer;
      const pauseMs = random() * deps.retryBaseDelayMs * 0.2 * 2 ** retry;
      // A server that asks for more time gets it from the deferral.
      if ((answer.retryAfterMs ?? 0) > pauseMs) {
        return answer;
      }
      await pause(pauseMs, signal);
      if (signal.aborted) {
        return answer;
      }
    }
  };

  async function lookUpOnce<Answer extends { kind: string }>(
    { alertId, place, call }: Parameters<LookUp>[0] & { call: (token: string) => Promise<Answer | Failure> },
    signal: AbortSignal,
  ): Promise<Answer | LookUpFailure> {
    const answer = await callApi(api, deps, { place, mayProbeCircuit: true, call }, signal);
    switch (answer.kind) {
      case 'unauthorized': {
        const { permit, detail } = answer as Extract<AccessFailure, { kind: 'unauthorized' }>;
        return stopAll(permit, 'forbidden', detail);
      }
      case 'retired': {
        const { permit, detail } = answer as Extract<AccessFailure, { kind: 'retired' }>;
        onSign({ kind: 'gone', detail, isDefinite: true });
        return stopAll(permit, 'retired', `${detail}. ${api.end}`);
      }
      case 'forbidden':
        return refused(alertId, answer as Extract<AccessFailure, { kind: 'forbidden' }>);
      case 'denied':
      case 'wait':
      case 'unavailable':
      case 'interrupted':
        return answer as LookUpFailure;
      default:
        refusedAlerts.clear();
        if (answer.kind !== 'not_found') {
          onSign({ kind: 'serves', alertId });
        } else if (alertId !== undefined) {
          onSign({ kind: 'unknown', alertId });
        }
        return answer as Answer | LookUpFailure;
    }
  }
}

function isUnavailable(answer: { kind: string }): answer is Extract<LookUpFailure, { kind: 'unavailable' }> {
  return answer.kind === 'unavailable';
}

async function pause(pauseMs: number, signal: AbortSignal): Promise<void> {
  await delay(pauseMs, undefined, { signal }).catch(() => undefined);
}
