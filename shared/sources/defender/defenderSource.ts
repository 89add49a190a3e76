import { setTimeout as delay } from 'node:timers/promises';
import type { AlertReference, Source, SourceAnswer } from '../source.ts';
import { callDefender, type DefenderCallDeps, type Refusal } from './defenderCall.ts';
import type { DefenderClient } from './defenderClient.ts';

export interface DefenderSourceDeps extends DefenderCallDeps {
  client: Pick<DefenderClient, 'machineOfAlert'>;
  now: () => Date;
  /** Uniform in [0, 1). */
  random: () => number;
  /** Base of the pauses between quick retries, in milliseconds. */
  retryBaseDelayMs: number;
}

/** A passing fault is tried again this often at once, before the submission is deferred. */
const QUICK_RETRIES = 2;

/**
 * The Defender for Endpoint API as a source: `GET /api/alerts/{id}/machine`, one call an alert
 * (https://learn.microsoft.com/defender-endpoint/api/get-alert-related-machine-info).
 */
export function createDefenderSource(deps: DefenderSourceDeps): Source {
  const { client, gate, now, random } = deps;

  async function find(alert: AlertReference, signal: AbortSignal): Promise<SourceAnswer> {
    for (let retry = 0; ; retry += 1) {
      const answer = await lookUp(alert, signal);
      if (answer.kind !== 'unavailable' || retry === QUICK_RETRIES) return answer;
      await pause(random() * deps.retryBaseDelayMs * 0.2 * 2 ** retry, signal);
      if (signal.aborted) return answer;
    }
  }

  async function lookUp({ alertId, inLine }: AlertReference, signal: AbortSignal): Promise<SourceAnswer> {
    const call = (token: string) => client.machineOfAlert(alertId, token, signal);
    const answer = await callDefender(deps, { inLine, mayProbeCircuit: true, call }, signal);
    if (answer.kind === 'machine') return { kind: 'found', machine: answer.machine, retrievedAt: now() };
    return answer.kind === 'unauthorized' || answer.kind === 'forbidden' ? refused(answer) : answer;
  }

  /** No alert can be looked up then: all wait until it is mended. */
  async function refused({ kind, permit, detail: reason }: Refusal): Promise<SourceAnswer> {
    const detail =
      kind === 'forbidden'
        ? `${reason}. Grant the app's identity the application role Machine.Read.All of the Defender API (WindowsDefenderATP), and check DEFENDER_TOKEN_SCOPE.`
        : reason;
    const { until } = await gate.denied(permit, detail);
    return { kind: 'denied', until, detail };
  }

  return { name: 'defender', find };
}

async function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  // Ended early by the deadline: the caller looks at the signal itself.
  await delay(milliseconds, undefined, { signal }).catch(() => undefined);
}
