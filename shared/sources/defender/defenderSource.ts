import { setTimeout as delay } from 'node:timers/promises';
import type { CallRequest, CircuitCause, Permit } from '../../quota/callGate.ts';
import { type AccessFailure, type ApiAccess, callApi } from '../apiCall.ts';
import type { AlertReference, Source, SourceAnswer } from '../source.ts';
import { DEFENDER_API, type DefenderClient } from './defenderClient.ts';

export interface DefenderSourceDeps extends ApiAccess {
  client: Pick<DefenderClient, 'machineOfAlert'>;
  now: () => Date;
  /** Uniform in [0, 1). */
  random: () => number;
  /** Base of the pauses between quick retries, in milliseconds. */
  retryBaseDelayMs: number;
}

/** A passing fault is tried again this often at once, before the submission is deferred. */
const QUICK_RETRIES = 2;
/** 403s for so many alerts in a row, with no other answer in between, are about the app and not about the alerts. */
const REFUSED_ALERTS_IN_A_ROW = 3;
/** Either of these lets an app look machines up. */
const ROLES = ['Machine.Read.All', 'Machine.ReadWrite.All'];

/**
 * The Defender for Endpoint API as a source: `GET /api/alerts/{id}/machine`, one call an alert
 * (https://learn.microsoft.com/defender-endpoint/api/get-alert-related-machine-info).
 */
export function createDefenderSource(deps: DefenderSourceDeps): Source {
  const { client, gate, now, random } = deps;
  /** Alerts that were refused with 403 since the last answer of another kind. */
  const refusedAlerts = new Set<string>();

  async function find(alert: AlertReference, signal: AbortSignal): Promise<SourceAnswer> {
    for (let retry = 0; ; retry += 1) {
      const place = retry > 0 ? 'first' : alert.inLine ? 'turn' : 'last';
      const answer = await lookUp(alert.alertId, place, signal);
      if (answer.kind !== 'unavailable' || retry === QUICK_RETRIES) {
        return answer;
      }
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
  }

  async function lookUp(
    alertId: string,
    place: CallRequest['place'],
    signal: AbortSignal,
  ): Promise<SourceAnswer> {
    const call = (token: string) => client.machineOfAlert(alertId, token, signal);
    const answer = await callApi(DEFENDER_API, deps, { place, mayProbeCircuit: true, call }, signal);
    switch (answer.kind) {
      case 'machine':
        refusedAlerts.clear();
        return { kind: 'found', machine: answer.machine, retrievedAt: now() };
      case 'not_found':
      case 'rejected':
      case 'unusable':
        refusedAlerts.clear();
        return answer;
      case 'unauthorized':
        return stopAll(answer.permit, 'forbidden', answer.detail);
      case 'retired':
        return stopAll(
          answer.permit,
          'retired',
          `${answer.detail}. The Defender for Endpoint API is gone: Microsoft has announced its end for 2027-02-01 (MC1220762). If it is not meant to be gone, check DEFENDER_API_URL.`,
        );
      case 'forbidden':
        return refused(alertId, answer);
      default:
        return answer;
    }
  }

  /**
   * Whether a 403 is about the app or about one alert, the API does not say. It is about the app when the token lacks
   * the role, when the API itself speaks of roles or the audience, when it is the answer to a probe, or when several
   * alerts in a row are refused. Otherwise this alert alone is refused, and others go on.
   */
  async function refused(
    alertId: string,
    { permit, code, detail: reason, roles }: Extract<AccessFailure, { kind: 'forbidden' }>,
  ): Promise<SourceAnswer> {
    refusedAlerts.add(alertId);
    const hasRole = roles?.some((role) => ROLES.includes(role)) ?? false;
    const isAboutApp =
      !hasRole || permit.probe === 'circuit' || /\b(application roles?|audience)\b/i.test(reason);
    if (!isAboutApp && refusedAlerts.size < REFUSED_ALERTS_IN_A_ROW) {
      // The answer shows that calls are let through: if this was the probe after a 429, the pause is over.
      await gate.succeeded(permit);
      return { kind: 'forbidden', detail: `${reason} (${code})` };
    }
    return stopAll(
      permit,
      'forbidden',
      `${reason}. Grant the app's identity the application role Machine.Read.All of the Defender API (WindowsDefenderATP), and check DEFENDER_TOKEN_SCOPE.`,
    );
  }

  /** No alert can be looked up then: all wait until it is mended. */
  async function stopAll(
    permit: Permit | undefined,
    cause: CircuitCause,
    detail: string,
  ): Promise<SourceAnswer> {
    const { until } = await gate.denied(permit, { cause, detail });
    return { kind: 'denied', until, detail };
  }

  return { name: 'defender', find };
}

async function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  // Ended early by the deadline: the caller looks at the signal itself.
  await delay(milliseconds, undefined, { signal }).catch(() => undefined);
}
