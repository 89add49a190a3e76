import { type Alerts, createAlerts } from './alerts/alerts.ts';
import type { ApiName, FaultPlan } from './faults.ts';
import { createFaultPlan } from './faults.ts';
import { createFleet, type Fleet } from './fleet/fleet.ts';
import { findAlert } from './graph/graphAlert.ts';
import { createHunting, type Hunting } from './graph/hunting.ts';
import { createPermissions, type Permissions, type SignInState } from './permissions.ts';
import { createQuota, type Quota } from './quota.ts';
import { guid, seededRandom } from './random.ts';
import type { RateLimit, WindowKind } from './rateWindows.ts';
import { createRetirement, type RetiredStatus, type Retirement } from './retirement.ts';

/** How long the service takes to answer, in milliseconds: drawn anew for each call. */
export interface Latency {
  least: number;
  most: number;
}

/** How a tenant starts. Everything has a default. */
export interface TenantOptions {
  /** (Drawn from the seed.) */
  tenantId?: string;
  /** What the directory calls it (`Customer 1` and so on). */
  name?: string;
  /** Whether the app can sign in to it (`granted`). */
  signIn?: SignInState;
  /** App permissions of whoever signs in (`Machine.Read.All`, and `SecurityAlert.Read.All` and `ThreatHunting.Read.All` of Graph). */
  roles?: readonly string[];
  /** Machines in the fleet, at least 1 (200). */
  machines?: number;
  /** Alerts known at the start (1000). */
  alerts?: number;
  /** Limits of the Defender API that hold at the same time (100 calls in 1 minute, 1500 in 1 hour). */
  limits?: readonly RateLimit[];
  /** The same for Microsoft Graph's alerts (120 calls in 1 minute). */
  graphLimits?: readonly RateLimit[];
  /** The same for hunting queries (20 calls in 1 minute). */
  huntingLimits?: readonly RateLimit[];
  /** How the limits' windows lie (`sliding`). */
  windows?: WindowKind;
  /** (No delay.) */
  latency?: Latency;
  /** The status of every answer of a Defender API that is gone (it serves). */
  retired?: RetiredStatus;
}

/** A tenant: its machines and alerts, who may ask for them, how often, and what goes wrong with it. */
export interface Tenant {
  readonly id: string;
  readonly name: string;
  /** What its machines, alerts and faults are drawn from. */
  readonly seed: string;
  readonly fleet: Fleet;
  readonly alerts: Alerts;
  readonly quotas: Record<ApiName, Quota>;
  readonly hunting: Hunting;
  readonly retirement: Retirement;
  readonly faults: FaultPlan;
  readonly permissions: Permissions;
  readonly latency: Latency;
  /** Whether an ID is one of its alerts or machines. */
  knows(id: string): boolean;
  /** As at the start. */
  reset(): void;
}

const ROLES = ['Machine.Read.All', 'SecurityAlert.Read.All', 'ThreatHunting.Read.All'];
const DEFENDER_LIMITS = [
  { calls: 100, windowMs: 60_000 },
  { calls: 1500, windowMs: 3_600_000 },
];
const GRAPH_LIMITS = [{ calls: 120, windowMs: 60_000 }];
const HUNTING_LIMITS = [{ calls: 20, windowMs: 60_000 }];

/** @param referenceTime The time (ms) that the times of its machines and alerts count back from. */
export function createTenant(
  id: string,
  seed: string,
  options: TenantOptions,
  referenceTime: number,
): Tenant {
  const fleet = createFleet(seed, options.machines ?? 200, referenceTime);
  const alerts = createAlerts({ seed, size: options.alerts ?? 1000, tenantId: id, fleet, referenceTime });
  const quotaOf = (limits: readonly RateLimit[]) =>
    createQuota({ limits, windows: options.windows ?? 'sliding', seed });
  const quotas = {
    defender: quotaOf(options.limits ?? DEFENDER_LIMITS),
    graph: quotaOf(options.graphLimits ?? GRAPH_LIMITS),
    hunting: quotaOf(options.huntingLimits ?? HUNTING_LIMITS),
  };
  const parts = {
    alerts,
    faults: createFaultPlan(seed),
    permissions: createPermissions(options.roles ?? ROLES, options.signIn ?? 'granted'),
    hunting: createHunting({ seed, fleet, alerts }),
    retirement: createRetirement(options.retired ?? null),
  };
  return {
    ...parts,
    id,
    name: options.name ?? id,
    seed,
    fleet,
    quotas,
    latency: options.latency ?? { least: 0, most: 0 },
    knows: (subject) => findAlert(alerts, subject) !== undefined || fleet.byId(subject) !== undefined,
    reset() {
      for (const part of [...Object.values(parts), ...Object.values(quotas)]) {
        part.reset();
      }
    },
  };
}

/** The home tenant and, after it, the others. */
export interface Tenants {
  readonly home: Tenant;
  readonly all: readonly Tenant[];
  byId(id: string): Tenant | undefined;
  /** Those that an ID of an alert or machine belongs to, `asking` alone where it is one of them. */
  ownersOf(id: string, asking: Tenant): readonly Tenant[];
}

/** @param homeId The tenant of the managed identity. @param others Each falls back to `options`, which the home tenant has. */
export function createTenants(
  homeId: string,
  seed: string,
  options: TenantOptions,
  others: readonly TenantOptions[],
  referenceTime: number,
): Tenants {
  const home = createTenant(homeId, seed, { name: 'Home', ...options }, referenceTime);
  const customers = others.map((other, index) => {
    const id = other.tenantId ?? guid(seededRandom(seed, 'tenant', index));
    const named = { ...options, name: `Customer ${index + 1}`, ...other };
    return createTenant(id, `${seed}/${id}`, named, referenceTime);
  });
  const all = [home, ...customers];
  const ids = new Map(all.map((tenant) => [tenant.id, tenant]));
  return {
    home,
    all,
    byId: (id) => ids.get(id.toLowerCase()),
    ownersOf: (id, asking) => (asking.knows(id) ? [asking] : all.filter((tenant) => tenant.knows(id))),
  };
}
