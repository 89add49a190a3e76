import { createHash, randomUUID } from 'node:crypto';
import { cached, withinTime } from '../promises.ts';
import type { CallGate } from '../quota/callGate.ts';
import type { AnswerStore } from '../quota/lastAnswer.ts';
import { type AccessTokens, readTokenClaims } from '../sources/accessToken.ts';
import type { SourceState } from '../sources/auto/sourceState.ts';
import type { DefenderClient } from '../sources/defender/defenderClient.ts';
import { DEVICE_LOOK_UPS } from '../sources/defender/defenderSource.ts';
import type { GraphClient } from '../sources/graph/graphClient.ts';
import { ALERT_LOOK_UPS, HUNTING_LOOK_UPS } from '../sources/graph/graphLookUps.ts';
import { devicesQuery } from '../sources/graph/huntingQuery.ts';
import { answerProbe, type Question } from './answer.ts';
import type { Finding, HealthProbe } from './health.ts';

/** What of the sources tells whether the app is let into their APIs. */
export interface AccessDeps {
  /** The setting ENRICHMENT_SOURCE. */
  choice: 'defender' | 'graph' | 'auto';
  /** Whether the poller is on, which needs a role of its own. */
  polls: boolean;
  defender: { client: Pick<DefenderClient, 'machineOfAlert'>; tokens: AccessTokens; quota: CallQuota };
  graph: {
    client: Pick<GraphClient, 'alert' | 'hunt'>;
    tokens: AccessTokens;
    quota: CallQuota;
    hunting: CallQuota;
  };
  /** Which source serves now. */
  current: () => Promise<SourceState>;
  now: () => Date;
}

interface CallQuota {
  gate: CallGate;
  answers: AnswerStore;
}

/** An application role that the app needs; any of these is enough. */
interface Role {
  name: string;
  anyOf: readonly string[];
  /** What the script that grants it must be told. */
  grantOption: string;
  /** Whether alerts wait for it. */
  stopsAlerts(): Promise<boolean>;
}

/** How long a request for health waits for this check (ms). A later finding is shown to the next request. */
const PATIENCE_MS = 2_000;
/** Shortest time between two renewals of a token that lacks a role (ms). */
const RENEW_INTERVAL_MS = 60_000;

const always = async () => true;
const never = async () => false;

/**
 * What the identity of the app can do: token, roles in it, and whether the APIs answer it that the settings name. With
 * `auto` Graph may warn, until it serves alerts and Defender is not asked any more.
 */
export function accessProbes(deps: AccessDeps): HealthProbe[] {
  const { choice, polls, defender, graph, now } = deps;
  const graphServes = choice === 'graph' ? always : async () => (await deps.current()).mode === 'graph';
  const machines: Role = {
    name: 'Machine.Read.All',
    anyOf: DEVICE_LOOK_UPS.roles,
    grantOption: '',
    stopsAlerts: always,
  };
  const alertList: Role = {
    name: 'Alert.Read.All',
    anyOf: ['Alert.Read.All', 'Alert.ReadWrite.All'],
    grantOption: ' --with-poller',
    // Those that come by other ways go on.
    stopsAlerts: never,
  };
  const grantOption = ` --source ${choice}`;
  const alerts: Role = {
    name: 'SecurityAlert.Read.All',
    anyOf: ALERT_LOOK_UPS.roles,
    grantOption,
    stopsAlerts: graphServes,
  };
  const hunting: Role = {
    name: 'ThreatHunting.Read.All',
    anyOf: HUNTING_LOOK_UPS.roles,
    grantOption,
    // Devices are described without it too.
    stopsAlerts: never,
  };
  const inventedAlert = () => `health-probe-${randomUUID()}`;
  const inventedDevice = () => createHash('sha1').update(randomUUID()).digest('hex');

  const ofDefender = () => {
    const { client, tokens, quota } = defender;
    const roles = polls ? [machines, alertList] : [machines];
    const api = apiProbes('Defender', tokens, roles, always, now);
    const ask: Question['ask'] = (token, signal) => client.machineOfAlert(inventedAlert(), token, signal);
    const probes = [...api.probes, api.answerProbe('Defender', machines, quota, ask)];
    return choice === 'auto' ? probes.map((probe) => unless(graphServes, probe)) : probes;
  };
  const ofGraph = () => {
    const { client, tokens, quota, hunting: huntingQuota } = graph;
    const api = apiProbes('Microsoft Graph', tokens, [alerts, hunting], graphServes, now);
    return [
      ...api.probes,
      api.answerProbe('Graph alerts', alerts, quota, (token, signal) =>
        client.alert(inventedAlert(), token, signal),
      ),
      api.answerProbe('Graph hunting', hunting, huntingQuota, (token, signal) =>
        client.hunt(devicesQuery([inventedDevice()]), token, signal),
      ),
    ];
  };
  return [...(choice === 'graph' ? [] : ofDefender()), ...(choice === 'defender' ? [] : ofGraph())];
}

function unless(graphServes: () => Promise<boolean>, { name, look }: HealthProbe): HealthProbe {
  const detail = 'not asked: alerts are looked up in Microsoft Graph, because Defender is gone';
  return { name, look: async () => ((await graphServes()) ? { status: 'ok', detail } : look()) };
}

/** The probes of token and roles of one API, and what makes those of its answers. */
function apiProbes(
  label: string,
  tokens: AccessTokens,
  roles: readonly Role[],
  stopsAlerts: () => Promise<boolean>,
  now: () => Date,
) {
  let renewedAt = Number.NEGATIVE_INFINITY;

  /** A token that has all roles, or that was asked for a minute ago at most: one may have been granted meanwhile. */
  const freshToken = cached(
    async () => {
      const token = await tokens.get();
      if (roles.every((role) => hasRole(token, role)) || now().getTime() - renewedAt < RENEW_INTERVAL_MS) {
        return token;
      }
      renewedAt = now().getTime();
      return tokens.renew();
    },
    0,
    () => now().getTime(),
  );

  const tokenProbe: HealthProbe = {
    name: `token for ${label}`,
    async look() {
      const seen = await inPatience(freshToken().then(describeToken, noToken), STILL_ASKED);
      return seen.status === 'failed' && !(await stopsAlerts()) ? { ...seen, status: 'warning' } : seen;
    },
  };
  const roleProbe = (role: Role): HealthProbe => ({
    name: `role ${role.name}`,
    async look() {
      const token = await inPatience(
        freshToken().catch(() => undefined),
        undefined,
      );
      if (token === undefined) {
        return { status: 'warning', detail: 'not known without a token' };
      }
      const claims = readTokenClaims(token);
      if (claims === undefined || hasRole(token, role)) {
        const detail = claims?.roles.join(', ') ?? 'not known: the token is of a form that cannot be read';
        return { status: 'ok', detail };
      }
      const held = claims.roles.join(', ') || 'no roles';
      const principal = claims.objectId ?? '<principal ID of the identity>';
      return {
        status: (await role.stopsAlerts()) ? 'failed' : 'warning',
        detail: `not in the token, which has ${held}. Grant it: bash infra/grant-permissions.sh --principal-id ${principal}${role.grantOption}. If it is granted, Azure still hands out the token from before, for a day at most; a restart of the app may help`,
      };
    },
  });

  return {
    probes: [tokenProbe, ...roles.map(roleProbe)],
    answerProbe(name: string, role: Role, { gate, answers }: CallQuota, ask: Question['ask']): HealthProbe {
      const findToken = async () => {
        const token = await freshToken();
        return hasRole(token, role) ? token : undefined;
      };
      const question = { name, gate, answers, tokens, findToken, ask, stopsAlerts: role.stopsAlerts };
      return answerProbe(question, now);
    },
  };
}

/** A token that cannot be read may have any role. */
function hasRole(token: string, { anyOf }: Role): boolean {
  const claims = readTokenClaims(token);
  return claims === undefined || anyOf.some((role) => claims.roles.includes(role));
}

function inPatience<T>(work: Promise<T>, late: T): Promise<T> {
  return withinTime(work, PATIENCE_MS, () => late);
}

const STILL_ASKED: Finding = { status: 'warning', detail: 'is being asked for; look again soon' };

function describeToken(token: string): Finding {
  const claims = readTokenClaims(token);
  if (claims === undefined) {
    return { status: 'ok', detail: 'obtained' };
  }
  const { appId, tenantId = 'unknown', expiresAt } = claims;
  return {
    status: 'ok',
    detail: `of application ${appId} in tenant ${tenantId}, good until ${expiresAt.toISOString()}`,
  };
}

function noToken(error: unknown): Finding {
  const [reason = ''] = (error instanceof Error ? error.message : String(error)).split('\n', 1);
  return {
    status: 'failed',
    detail: `none: ${reason.slice(0, 300)}. Give the app an identity, and name it in AZURE_CLIENT_ID if it is user-assigned`,
  };
}
