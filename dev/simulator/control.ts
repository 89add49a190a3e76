import type { AlertRecord, Alerts, NewAlert } from './alerts/alerts.ts';
import { type CallRecord, type Report, summarize } from './callLog.ts';
import type { ApiName, FaultPlan, FaultRates, FaultScript } from './faults.ts';
import type { Fleet } from './fleet/fleet.ts';
import type { CpuBlock, Hunting, HuntingChange } from './graph/hunting.ts';
import type { Identity, IdentityBehaviour } from './identity.ts';
import type { Quota } from './quota.ts';
import type { RetiredStatus, Retirement } from './retirement.ts';

/** Everything that a test or a demo can ask of a running simulator. */
export interface SimulatorControl {
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
  setIdentity(change: Partial<IdentityBehaviour>): void;
  /** From now on somebody else spends this share (0 to 1) of the sustained quota of every API. */
  setNeighbourShare(share: number): void;
  /** From now on every call to the Defender API gets this status; null brings the API back. */
  retireDefender(status: RetiredStatus | null): void;
  setHunting(change: HuntingChange): void;
  /** The tenant has used up its CPU quota: queries are refused until the next quarter of an hour, or for so long. */
  exhaustHunting(block?: CpuBlock): void;
  report(): Report;
  /** The log of all API calls, oldest first. */
  calls(): readonly CallRecord[];
  /** Every token handed out, for tests that search logs for them. */
  issuedTokens(): readonly string[];
  /** As at the start: empty windows and log, no faults, the first alerts and roles. Tokens stay valid. */
  reset(): void;
}

export interface ControlParts {
  fleet: Fleet;
  alerts: Alerts;
  faults: FaultPlan;
  identity: Identity;
  quotas: readonly Quota[];
  hunting: Hunting;
  retirement: Retirement;
  calls: CallRecord[];
  now: () => number;
}

export function createControl(parts: ControlParts): SimulatorControl {
  const { fleet, alerts, faults, identity, quotas, hunting, retirement, calls, now } = parts;
  return {
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
    grantRoles: identity.grant,
    revokeRoles: identity.revoke,
    setIdentity: identity.setBehaviour,
    setNeighbourShare(share) {
      for (const quota of quotas) {
        quota.setNeighbourShare(share, now());
      }
    },
    retireDefender: retirement.set,
    setHunting: hunting.setBehaviour,
    exhaustHunting: (block) => hunting.exhaust(now(), block),
    report: () =>
      summarize(calls, {
        tokensIssued: identity.issuedTokens.length,
        neighbourCalls: quotas.reduce((sum, quota) => sum + quota.neighbourCalls(), 0),
      }),
    calls: () => calls,
    issuedTokens: () => identity.issuedTokens,
    reset() {
      alerts.reset();
      faults.reset();
      identity.reset();
      for (const quota of quotas) {
        quota.reset();
      }
      hunting.reset();
      retirement.reset();
      calls.length = 0;
    },
  };
}
