import type { AlertRecord, Alerts, NewAlert } from './alerts/alerts.ts';
import { type CallRecord, type Report, summarize } from './callLog.ts';
import type { ApiName, FaultRates, FaultScript } from './faults.ts';
import type { Fleet } from './fleet/fleet.ts';
import type { CpuBlock, HuntingChange } from './graph/hunting.ts';
import type { Identity, IdentityBehaviour } from './identity.ts';
import type { SignInState } from './permissions.ts';
import type { RetiredStatus } from './retirement.ts';
import type { AppRegistration, FederatedCredential } from './signIn/federatedCredential.ts';
import type { SignInRecord } from './signIn/signInService.ts';
import type { Tenant, Tenants } from './tenant.ts';
import type { Tokens } from './tokens.ts';

/** What a test or a demo can ask of one tenant. */
export interface TenantControl {
  readonly tenantId: string;
  /** What its directory calls it. */
  readonly name: string;
  readonly fleet: Fleet;
  readonly alerts: Alerts;
  /** The IDs of the first known alerts; all of them without a count. */
  alertIds(count?: number): string[];
  /** Adds alerts or replaces those with the same ID, updated now unless they say otherwise. */
  addAlerts(alerts: readonly NewAlert[]): AlertRecord[];
  /** Adds as many alerts with fresh IDs, updated now. */
  addNewAlerts(count: number): AlertRecord[];
  /** Replaces the rates of all faults of these APIs; of all APIs where none is named. */
  setFaultRates(rates: FaultRates, apis?: readonly ApiName[]): void;
  /** Sets what the next answers about one alert are, or those of a route without one, such as `hunting`. */
  scriptFaults(script: FaultScript): void;
  /** Tokens issued from now on carry these roles too. */
  grantRoles(roles: readonly string[]): void;
  /** Tokens issued from now on carry these roles no more. */
  revokeRoles(roles: readonly string[]): void;
  /** Whether the app of another tenant gets tokens from now on. Those that it has stay good until they end. */
  setSignIn(state: SignInState): void;
  /** From now on somebody else spends this share (0 to 1) of the sustained quota of every API. */
  setNeighbourShare(share: number): void;
  /** From now on every call to the Defender API gets this status; null brings the API back. */
  retireDefender(status: RetiredStatus | null): void;
  setHunting(change: HuntingChange): void;
  /** The tenant has used up its CPU quota: queries are refused until the next quarter of an hour, or for so long. */
  exhaustHunting(block?: CpuBlock): void;
  report(): Report;
  /** The log of all API calls with tokens of this tenant, oldest first. */
  calls(): readonly CallRecord[];
  /** As at the start: empty windows, no faults, the first alerts and roles. Tokens and the log stay. */
  reset(): void;
}

/**
 * Everything that a test or a demo can ask of a running simulator. What belongs to a tenant is that of the home tenant;
 * report, log and reset are those of all.
 */
export interface SimulatorControl extends TenantControl {
  /** The home tenant first. */
  readonly tenants: readonly TenantControl[];
  /** Undefined for a tenant that does not exist. */
  tenant(tenantId: string): TenantControl | undefined;
  setIdentity(change: Partial<IdentityBehaviour>): void;
  /** What the app registration trusts. */
  readonly federatedCredential: FederatedCredential;
  /** What the app registration trusts from now on. A wrong value fails when a token is exchanged. */
  setFederatedCredential(change: Partial<FederatedCredential>): void;
  /** The log of all requests for tokens of a tenant, oldest first. */
  signIns(): readonly SignInRecord[];
  /** Every token handed out, for tests that search logs for them. */
  issuedTokens(): readonly string[];
}

export interface ControlParts {
  tenants: Tenants;
  identity: Identity;
  tokens: Tokens;
  app: AppRegistration;
  calls: CallRecord[];
  signIns: SignInRecord[];
  now: () => number;
}

export function createControl(parts: ControlParts): SimulatorControl {
  const { tenants, identity, tokens, app, calls, signIns, now } = parts;
  const controls = tenants.all.map((tenant) => createTenantControl(tenant, calls, now));
  const byId = new Map(controls.map((control) => [control.tenantId, control]));
  const neighbourCalls = () => tenants.all.reduce((sum, tenant) => sum + neighbourCallsOf(tenant), 0);
  return {
    ...createTenantControl(tenants.home, calls, now),
    tenants: controls,
    tenant: (tenantId) => byId.get(tenantId),
    setIdentity: identity.setBehaviour,
    get federatedCredential() {
      return app.credential;
    },
    setFederatedCredential: app.setCredential,
    report: () => summarize(calls, { tokensIssued: tokens.issued.length, neighbourCalls: neighbourCalls() }),
    calls: () => calls,
    signIns: () => signIns,
    issuedTokens: () => tokens.issued,
    reset() {
      for (const part of [...tenants.all, identity, app]) {
        part.reset();
      }
      calls.length = 0;
      signIns.length = 0;
    },
  };
}

function createTenantControl(tenant: Tenant, calls: readonly CallRecord[], now: () => number): TenantControl {
  const { id: tenantId, name, fleet, alerts, faults, permissions, hunting, retirement } = tenant;
  const ownCalls = () => calls.filter((call) => call.tenantId === tenantId);
  return {
    tenantId,
    name,
    fleet,
    alerts,
    alertIds: (count) =>
      alerts
        .all()
        .slice(0, count)
        .map((alert) => alert.id),
    addAlerts: (added) => alerts.add(added, now()),
    addNewAlerts: (count) => alerts.addNew(count, now()),
    setFaultRates: faults.setRates,
    scriptFaults: faults.script,
    grantRoles: permissions.grant,
    revokeRoles: permissions.revoke,
    setSignIn: permissions.setSignIn,
    setNeighbourShare(share) {
      for (const quota of Object.values(tenant.quotas)) {
        quota.setNeighbourShare(share, now());
      }
    },
    retireDefender: retirement.set,
    setHunting: hunting.setBehaviour,
    exhaustHunting: (block) => hunting.exhaust(now(), block),
    report: () => summarize(ownCalls(), { neighbourCalls: neighbourCallsOf(tenant) }),
    calls: ownCalls,
    reset: tenant.reset,
  };
}

function neighbourCallsOf({ quotas }: Tenant): number {
  return Object.values(quotas).reduce((sum, quota) => sum + quota.neighbourCalls(), 0);
}
