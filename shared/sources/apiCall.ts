import type { CallGate, CallRequest, OpenCircuit, Permit, Wait } from '../quota/callGate.ts';
import { span } from '../telemetry/telemetry.ts';
import { type AccessTokens, readTokenClaims, SignInError } from './accessToken.ts';
import { type Failure, isFailure } from './apiReply.ts';

/** An API in words for a person: its name, and the setting that names the scope of its tokens. */
export interface Api {
  name: string;
  scopeSetting: string;
}

/** What every call to one API goes through. */
export interface ApiAccess {
  tokens: AccessTokens;
  gate: CallGate;
}

/** What a call came to that brought no answer of the kind asked for. */
export type CallFailure =
  | Extract<Failure, { kind: 'not_found' | 'rejected' | 'unavailable' | 'unusable' | 'interrupted' }>
  | Wait
  | OpenCircuit
  | AccessFailure;

/** The API refuses the app. The caller decides whether that opens the circuit, and reports it by `gate.denied`. */
export type AccessFailure =
  /** No token, before or after the permit; or a 401 to a new token. */
  | { kind: 'unauthorized'; permit: Permit | undefined; detail: string }
  /** 403. `roles` are the application roles that the token carries; undefined for a token that cannot be read. */
  | {
      kind: 'forbidden';
      permit: Permit;
      code: string;
      detail: string;
      advice?: string;
      roles: string[] | undefined;
    }
  /** The API does not exist (any more). */
  | { kind: 'retired'; permit: Permit; detail: string };

/**
 * Makes one call to an API, with a permit of the gate and a token. It tells the gate what came of the call, unless that
 * is a refusal (`AccessFailure`). A 401 is answered by one more call, with a new token.
 * @param request.call Makes the call with this token.
 * @throws When the ledger cannot be used.
 * @example
 * const call = (token: string) => client.alert(alertId, token, signal);
 * const answer = await callApi(GRAPH_API, { tokens, gate }, { place: 'last', mayProbeCircuit: true, call }, signal);
 */
export async function callApi<Reply extends { kind: string }>(
  api: Api,
  { tokens, gate }: ApiAccess,
  request: CallRequest & { call: (token: string) => Promise<Reply | Failure> },
  signal: AbortSignal,
): Promise<Reply | CallFailure> {
  return callOnce({ renewToken: false });

  async function callOnce({ renewToken }: { renewToken: boolean }): Promise<Reply | CallFailure> {
    const denial = gate.openCircuit();
    if (denial !== undefined) {
      return denial;
    }
    const token = await getToken(renewToken);
    if (token.kind === 'none') {
      return { kind: 'unauthorized', permit: undefined, detail: token.detail };
    }
    const permit = await span(
      'wait for quota',
      { attributes: { 'alert_enrichment.api': api.name } },
      async (wait) => {
        const decision = await gate.acquire(renewToken ? { ...request, place: 'first' } : request, signal);
        wait.set({ 'alert_enrichment.result': decision.kind });
        return decision;
      },
    );
    if (permit.kind !== 'granted') {
      return permit;
    }
    // A probe after a refusal goes with a new token: the old one may be from before the role was granted.
    const freshToken = permit.probe && !renewToken ? await getToken(true) : token;
    if (freshToken.kind === 'none') {
      gate.release(permit);
      return { kind: 'unauthorized', permit, detail: freshToken.detail };
    }
    if (signal.aborted) {
      gate.release(permit);
      return { kind: 'interrupted', detail: 'the time of this run was up' };
    }

    const reply = await request.call(freshToken.token);
    gate.returned(permit);
    if (reply.kind === 'unauthorized' && !renewToken && !permit.probe) {
      return callOnce({ renewToken: true });
    }
    return isFailure(reply) ? report(reply, permit, freshToken.token) : succeeded(reply as Reply, permit);
  }

  async function getToken(
    fresh: boolean,
  ): Promise<{ kind: 'token'; token: string } | { kind: 'none'; detail: string }> {
    try {
      return { kind: 'token', token: fresh ? await tokens.renew() : await tokens.get() };
    } catch (error) {
      const advice =
        'Check that the app has an identity, and that AZURE_CLIENT_ID names it if it is user-assigned.';
      const reason = error instanceof SignInError ? `${error.message}.` : `${firstLine(error)}. ${advice}`;
      return { kind: 'none', detail: `No token for ${api.name}: ${reason}` };
    }
  }

  async function report(failure: Failure, permit: Permit, token: string): Promise<CallFailure> {
    switch (failure.kind) {
      case 'not_found':
      case 'rejected':
      case 'unusable':
        return succeeded(failure, permit);
      case 'throttled': {
        const { until } = await gate.throttled(failure.retryAfterMs);
        const detail = throttlingDetail(failure);
        return { kind: 'wait', reason: 'throttled', until, inLine: false, detail };
      }
      case 'unauthorized': {
        const detail = `${failure.detail}. Check ${api.scopeSetting} and the tenant's licence.`;
        return { kind: 'unauthorized', permit, detail };
      }
      case 'forbidden':
        return { ...failure, permit, roles: readTokenClaims(token)?.roles };
      case 'retired':
        return { ...failure, permit };
      case 'unavailable':
      case 'interrupted':
        return failure;
    }
  }

  async function succeeded<Normal>(answer: Normal, permit: Permit): Promise<Normal> {
    await gate.succeeded(permit);
    return answer;
  }
}

/** The advice about a missing role, with how the app gets roles where that is special (`AccessTokens.grants`). */
export function withGrants(advice: string, { grants }: AccessTokens): string {
  return grants === undefined ? advice : `${advice} ${grants}`;
}

/** Names a wait that is longer than any window of a quota, because the gate does not keep it. */
function throttlingDetail({ retryAfterMs, detail }: Extract<Failure, { kind: 'throttled' }>): string {
  const isStrange = retryAfterMs !== undefined && retryAfterMs > LONGEST_SENSIBLE_WAIT_MS;
  if (!isStrange) {
    return detail;
  }
  return `${detail} (it asks to wait ${Math.round(retryAfterMs / 1_000)} s, longer than any window of its quota: a probe goes earlier)`;
}

const LONGEST_SENSIBLE_WAIT_MS = 3_600_000;

function firstLine(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message.split('\n', 1)[0]?.slice(0, 300) ?? '';
}
