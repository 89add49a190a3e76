import { setTimeout as delay } from 'node:timers/promises';
import type { CallGate, Permit } from '../../quota/callGate.ts';
import type { AlertReference, Source, SourceAnswer } from '../source.ts';
import type { AccessTokens } from './accessToken.ts';
import type { DefenderClient } from './defenderClient.ts';
import type { Reply } from './reply.ts';

export interface DefenderSourceDeps {
  client: DefenderClient;
  tokens: AccessTokens;
  gate: CallGate;
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
  const { client, tokens, gate, now, random } = deps;

  async function find(alert: AlertReference, signal: AbortSignal): Promise<SourceAnswer> {
    for (let retry = 0; ; retry += 1) {
      const answer = await callOnce(alert, signal, { renewToken: false });
      if (answer.kind !== 'unavailable' || retry === QUICK_RETRIES) return answer;
      await pause(random() * deps.retryBaseDelayMs * 0.2 * 2 ** retry, signal);
      if (signal.aborted) return answer;
    }
  }

  async function callOnce(
    alert: AlertReference,
    signal: AbortSignal,
    { renewToken }: { renewToken: boolean },
  ): Promise<SourceAnswer> {
    const denial = gate.knownDenial();
    if (denial !== undefined) return denial;
    const token = await getToken(renewToken);
    if (token.kind === 'none') return refused(undefined, token.detail);
    const permit = await gate.acquire({ inLine: alert.inLine }, signal);
    if (permit.kind === 'wait') return { ...permit, kind: 'throttled' };
    if (permit.kind === 'denied') return permit;
    // A probe after a refusal goes with a new token: the old one may be from before the role was granted.
    const freshToken = permit.probe && !renewToken ? await getToken(true) : token;
    if (freshToken.kind === 'none') return refused(permit, freshToken.detail);

    const reply = await client.machineOfAlert(alert.alertId, freshToken.token, signal);
    gate.returned(permit);
    if (reply.kind === 'unauthorized' && !renewToken && !permit.probe) {
      return callOnce(alert, signal, { renewToken: true });
    }
    return toAnswer(reply, permit);
  }

  async function getToken(
    fresh: boolean,
  ): Promise<{ kind: 'token'; token: string } | { kind: 'none'; detail: string }> {
    try {
      return { kind: 'token', token: fresh ? await tokens.renew() : await tokens.get() };
    } catch (error) {
      return {
        kind: 'none',
        detail: `No token for the Defender API: ${firstLine(error)}. Check that the app has an identity, and that AZURE_CLIENT_ID names it if it is user-assigned.`,
      };
    }
  }

  async function toAnswer(reply: Reply, permit: Permit): Promise<SourceAnswer> {
    switch (reply.kind) {
      case 'machine':
        await gate.succeeded(permit);
        return { kind: 'found', machine: reply.machine, retrievedAt: now() };
      case 'not_found':
        await gate.succeeded(permit);
        return reply;
      case 'rejected':
        await gate.succeeded(permit);
        return reply;
      case 'throttled': {
        const { until } = await gate.throttled(reply.retryAfterMs);
        return { kind: 'throttled', until, inLine: false, detail: reply.detail };
      }
      case 'unauthorized':
        return refused(permit, `${reply.detail}. Check DEFENDER_TOKEN_SCOPE and the tenant's licence.`);
      case 'forbidden':
        return refused(
          permit,
          `${reply.detail}. Grant the app's identity the application role Machine.Read.All of the Defender API (WindowsDefenderATP), and check DEFENDER_TOKEN_SCOPE.`,
        );
      case 'unavailable':
        return reply;
    }
  }

  async function refused(permit: Permit | undefined, detail: string): Promise<SourceAnswer> {
    const { until } = await gate.denied(permit, detail);
    return { kind: 'denied', until, detail };
  }

  return { name: 'defender', find };
}

async function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  // Ended early by the deadline: the caller looks at the signal itself.
  await delay(milliseconds, undefined, { signal }).catch(() => undefined);
}

function firstLine(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message.split('\n', 1)[0]?.slice(0, 300) ?? '';
}
