import type { TenantDirectory } from './tenantDirectory.ts';
import { type Tenant, type TenantRow, tenantLabel } from './tenantRow.ts';

/** Which tenant's parts deal with an alert. */
export type TenantRoute<Scope> =
  | { kind: 'served'; scope: Scope }
  /** The alert does not belong to this deployment; `detail` tells a person what to do about it. */
  | { kind: 'refused'; reason: 'unknown-tenant' | 'other-tenant'; detail: string }
  /** It is not known now whether the alert belongs to the home tenant. */
  | { kind: 'unclear'; detail: string };

/** Finds the parts that deal with the alerts of a tenant. */
export interface TenantRouter<Scope> {
  /** Whether there may be customers' tenants beside the home tenant. */
  readonly servesCustomers: boolean;
  /**
   * @param tenantId As the alert names it, untrusted; undefined for the home tenant.
   * @throws When the tenants table cannot be used and nothing recent is known.
   */
  route(tenantId: string | undefined): Promise<TenantRoute<Scope>>;
  /**
   * The tenants in whose rows one of these application and object IDs (lower case) is a caller. Disabled and broken
   * rows count too, so that no caller gains rights by them.
   * @throws As `route`.
   */
  tenantsOfCaller(ids: readonly string[]): Promise<string[]>;
  /** The parts of all customers that are enabled, and what is wrong with rows that are broken. @throws As `route`. */
  customers(): Promise<{ scopes: Scope[]; broken: Extract<TenantRow, { kind: 'broken' }>['tenant'][] }>;
}

const GUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** The tenant ID that a text holds, in lower case; undefined for a text that is none. */
export function tenantIdOf(text: string): string | undefined {
  const id = text.trim().toLowerCase();
  return GUID.test(id) ? id : undefined;
}

/**
 * Routes alerts in a deployment of one tenant. Its API does not know the alert of another tenant: a look-up would cost
 * calls and end as not found. Where either tenant is not known, the API decides.
 */
export function createHomeRouter<Scope>(
  home: Scope,
  homeTenant: () => Promise<string | undefined>,
): TenantRouter<Scope> {
  return {
    servesCustomers: false,
    async route(tenantId) {
      const named = tenantIdOf(tenantId ?? '');
      const ownText = named === undefined ? undefined : await homeTenant();
      const own = tenantIdOf(ownText ?? '');
      if (named === undefined || own === undefined || named === own) {
        return { kind: 'served', scope: home };
      }
      return {
        kind: 'refused',
        reason: 'other-tenant',
        detail: `The alert belongs to the tenant ${tenantId}, and this deployment serves ${ownText}. Send it to the deployment of its tenant.`,
      };
    },
    tenantsOfCaller: async () => [],
    customers: async () => ({ scopes: [], broken: [] }),
  };
}

/** What a deployment of several tenants needs. */
export interface TenantRouterDeps<Scope> {
  home: Scope;
  homeTenant: () => Promise<string | undefined>;
  directory: TenantDirectory;
  /** Makes the parts of a tenant; all that must outlive them is in storage. */
  open(tenant: Tenant): Scope;
}

/**
 * Routes alerts in a deployment of several tenants. The parts of a tenant are made when they are first needed, and made
 * anew when its row has changed.
 */
export function createTenantRouter<Scope>(deps: TenantRouterDeps<Scope>): TenantRouter<Scope> {
  const opened = new Map<string, { version: string; scope: Scope }>();
  let knownHome: string | undefined;

  async function homeId(): Promise<string | undefined> {
    knownHome ??= tenantIdOf((await deps.homeTenant()) ?? '');
    return knownHome;
  }

  function scopeOf({ tenant, version }: Extract<TenantRow, { kind: 'tenant' }>): Scope {
    const known = opened.get(tenant.id);
    if (known?.version === version) {
      return known.scope;
    }
    const scope = deps.open(tenant);
    opened.set(tenant.id, { version, scope });
    return scope;
  }

  async function currentRows() {
    const rows = await deps.directory.rows();
    for (const id of opened.keys()) {
      if (!isServed(rows.get(id))) {
        opened.delete(id);
      }
    }
    return rows;
  }

  return {
    servesCustomers: true,
    async route(tenantId) {
      if (tenantId === undefined || tenantId.trim() === '') {
        return { kind: 'served', scope: deps.home };
      }
      const id = tenantIdOf(tenantId);
      if (id === undefined) {
        return refused(
          `${JSON.stringify(tenantId.slice(0, 128))} is no tenant ID. Send the tenant ID (GUID) as "tenantId", or none for the home tenant.`,
        );
      }
      const home = await homeId();
      if (id === home) {
        return { kind: 'served', scope: deps.home };
      }
      const row = (await currentRows()).get(id);
      if (isServed(row)) {
        return { kind: 'served', scope: scopeOf(row) };
      }
      if (row === undefined && home === undefined) {
        return {
          kind: 'unclear',
          detail: `The tenant ${id} has no row, and whether it is the home tenant is not known while that gives no token. Set AZURE_TENANT_ID.`,
        };
      }
      return refused(whyNotServed(id, row));
    },

    async tenantsOfCaller(ids) {
      const rows = [...(await deps.directory.rows()).values()];
      return rows.flatMap(({ tenant }) => (tenant.callers.some((id) => ids.includes(id)) ? [tenant.id] : []));
    },

    async customers() {
      const home = await homeId();
      // A row of the home tenant says nothing: its settings are those of the deployment.
      const rows = [...(await currentRows()).values()].filter(({ tenant }) => tenant.id !== home);
      return {
        scopes: rows.filter(isServed).map(scopeOf),
        broken: rows.flatMap((row) => (row.kind === 'broken' ? [row.tenant] : [])),
      };
    },
  };
}

function isServed(row: TenantRow | undefined): row is Extract<TenantRow, { kind: 'tenant' }> {
  return row?.kind === 'tenant' && row.tenant.enabled;
}

function refused(detail: string): TenantRoute<never> {
  return { kind: 'refused', reason: 'unknown-tenant', detail };
}

const REPLAY = 'then replay this with "npm run ops -- dead-letters replay --reason unknown-tenant"';

function whyNotServed(id: string, row: TenantRow | undefined): string {
  if (row === undefined) {
    return `The tenant ${id} has no row in the tenants table. Add it with "npm run ops -- tenants add ${id}", ${REPLAY}.`;
  }
  if (row.kind === 'broken') {
    return `The row of the tenant ${id} in the tenants table is broken: ${row.tenant.damage} Correct it, ${REPLAY}.`;
  }
  return `The tenant ${tenantLabel(row.tenant)} is disabled. Set "enabled" of its row to true, ${REPLAY}.`;
}
