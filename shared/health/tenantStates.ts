import { atMost } from '../promises.ts';
import type { ApiQuotaReport } from '../quota/quotaReport.ts';
import type { BrokenTenant, Tenant } from '../tenants/tenantRow.ts';
import type { HealthProbe, TenantsHealth } from './health.ts';

/** What can be looked at of one customer's tenant. */
export interface WatchedTenant {
  tenant: Tenant;
  /** @throws When the storage service cannot be used. */
  readQuota(): Promise<ApiQuotaReport>;
  /** Whether its poller comes to the end of its passes; undefined where it is not polled. */
  pollerProbe: HealthProbe | undefined;
}

/** How one customer's tenant stands. */
export interface TenantState {
  tenantId: string;
  name?: string;
  /** Undefined where its row is broken. */
  quota: ApiQuotaReport | undefined;
  /** What keeps its alerts back, for a person; empty while nothing does. */
  faults: string[];
}

const READS_AT_ONCE = 16;

/** Looks at all tenants: a read or two each. @throws When the storage service cannot be used. */
export async function readTenantStates(
  watched: readonly WatchedTenant[],
  broken: readonly BrokenTenant[],
): Promise<TenantState[]> {
  const limited = atMost(READS_AT_ONCE);
  const states = watched.map(({ tenant, readQuota, pollerProbe }) =>
    limited(async (): Promise<TenantState> => {
      const [quota, poller] = await Promise.all([readQuota(), pollerProbe?.look()]);
      const faults = [
        ...(quota.circuit === null ? [] : [quota.circuit.detail]),
        ...(poller === undefined || poller.status === 'ok' ? [] : [`Poller: ${poller.detail}`]),
      ];
      return { ...labelOf(tenant), quota, faults };
    }),
  );
  const unusable = broken.map(({ id, damage }) => ({
    tenantId: id,
    quota: undefined,
    faults: [`Its row in the tenants table is broken: ${damage}`],
  }));
  return [...(await Promise.all(states)), ...unusable];
}

function labelOf({ id, name }: Tenant): Pick<TenantState, 'tenantId' | 'name'> {
  return { tenantId: id, ...(name !== undefined && { name }) };
}

/** Answers about tenants name no more of them than these. */
const MOST_NAMED = 20;

export function tenantsHealth(states: readonly TenantState[]): TenantsHealth {
  const unwell = states.filter(({ faults }) => faults.length > 0);
  return {
    served: states.filter(({ quota }) => quota !== undefined).length,
    unwell: unwell.slice(0, MOST_NAMED).map(({ quota: _, faults, ...label }) => ({
      ...label,
      detail: faults.join(' '),
    })),
    moreUnwell: Math.max(0, unwell.length - MOST_NAMED),
  };
}

/** The tenants in the answer about the quota. */
export interface TenantsQuota {
  tightest: ({ tenantId: string; name?: string } & ApiQuotaReport)[];
  others: number;
}

/** Those that can call least come first: kept back by a circuit or a pause, then by the part of their quota that is left. */
export function tenantsQuota(states: readonly TenantState[]): TenantsQuota {
  const known = states.flatMap(({ quota, faults: _, ...label }) =>
    quota === undefined ? [] : [{ ...label, ...quota }],
  );
  const tightest = known.sort((one, other) => partLeft(one) - partLeft(other)).slice(0, MOST_NAMED);
  return { tightest, others: known.length - tightest.length };
}

function partLeft({ windows, pausedUntil, circuit }: ApiQuotaReport): number {
  if (circuit !== null) {
    return -2;
  }
  return pausedUntil === null
    ? Math.min(...windows.map(({ remaining, limit }) => remaining / limit.calls))
    : -1;
}

/** Whether the table of tenants can be read. @param failingSince Since when it cannot, in milliseconds. */
export function directoryProbe(failingSince: () => number | undefined): HealthProbe {
  return {
    name: 'tenants',
    async look() {
      const since = failingSince();
      return since === undefined
        ? { status: 'ok', detail: 'their rows are read' }
        : {
            status: 'failed',
            detail: `their rows cannot be read since ${new Date(since).toISOString()}; what was known then holds for 15 min`,
          };
    },
  };
}
