import type { Application } from '#shared/application.ts';
import type { TenantScope } from '#shared/applicationTenant.ts';
import type { Settings } from '#shared/config/settings.ts';
import { consentLink } from '#shared/sources/tenantToken.ts';
import { tenantIdOf } from '#shared/tenants/tenantRouter.ts';
import {
  readTenant,
  settingsOf,
  type Tenant,
  type TenantColumn,
  type TenantRows,
  tenantColumns,
  tenantLabel,
} from '#shared/tenants/tenantRow.ts';
import { checkDefender } from '../check/checkDefender.ts';
import { checkGraph } from '../check/checkGraph.ts';
import { checkDefenderToken, checkGraphToken } from '../check/checkToken.ts';
import { type Finding, ok } from '../check/finding.ts';
import { readiness } from '../check/readiness.ts';
import { consentLines, type ListedTenant } from './tenantsView.ts';

/** What the commands about tenants work with. */
export interface TenantsDeps {
  settings: Settings;
  application: Pick<Application, 'tenants' | 'tenantRows' | 'homeTenant'>;
}

/** Columns of a row as the command line names them, and `name` and `callers` beside them. */
export type TenantColumns = Partial<Record<TenantColumn | 'name' | 'callers', string>>;

/** @throws Error where the deployment serves its home tenant only. */
function rowsOf({ application: { tenantRows }, settings }: TenantsDeps) {
  const { app } = settings.tenants;
  if (tenantRows === undefined || app === undefined) {
    throw new Error(
      'This deployment serves its home tenant only. Set DEFENDER_APP_ID to the multi-tenant app registration first: docs/tenants.md.',
    );
  }
  return { rows: tenantRows, app };
}

function idOf(text: string): string {
  const id = tenantIdOf(text);
  if (id === undefined) {
    throw new Error(
      `${JSON.stringify(text)} is no tenant ID. Give the GUID that the customer's Entra admin center shows as "Tenant ID".`,
    );
  }
  return id;
}

/** @throws Error when there is no such row, or it is broken. */
async function tenantOf(rows: TenantRows, id: string): Promise<Tenant> {
  const row = await rows.get(id);
  if (row === undefined) {
    throw new Error(`The tenant ${id} has no row. "npm run ops -- tenants" lists those that have one.`);
  }
  if (row.kind === 'broken') {
    throw new Error(
      `The row of the tenant ${id} is broken: ${row.tenant.damage} Write it anew with "npm run ops -- tenants add ${id} ...".`,
    );
  }
  return row.tenant;
}

/**
 * Writes the row of a tenant, or changes the columns of the one that it has.
 * @returns What its administrator has to do, in lines.
 * @throws Error that names each column that is wrong.
 */
export async function addTenant(text: string, columns: TenantColumns, deps: TenantsDeps): Promise<string[]> {
  const { rows, app } = rowsOf(deps);
  const id = idOf(text);
  if (id === (await deps.application.homeTenant())?.toLowerCase()) {
    throw new Error(
      `${id} is the home tenant, which needs no row: its settings are those of the deployment.`,
    );
  }
  const before = await rows.get(id);
  const kept = before?.kind === 'tenant' ? tenantColumns(before.tenant) : { enabled: true };
  const given = Object.fromEntries(Object.entries(columns).filter(([, value]) => value !== undefined));
  const read = readTenant({ ...kept, ...given, rowKey: id }, deps.settings);
  if (!read.ok) {
    throw new Error(`The row of the tenant ${id} was not written. ${read.error.damage}`);
  }
  await rows.upsert(read.value);
  const own = settingsOf(deps.settings, read.value);
  const { sourceChoice } = own.ok ? own.value : deps.settings;
  return [
    `${before === undefined ? 'Added' : 'Changed'} ${tenantLabel(read.value)}. The app sees it within a minute.`,
    '',
    ...consentLines(consentLink(app, id), sourceChoice, id),
  ];
}

/** Lets the alerts of a tenant in, or keeps them out. */
export async function setTenantEnabled(text: string, enabled: boolean, deps: TenantsDeps): Promise<string[]> {
  const { rows } = rowsOf(deps);
  const tenant = await tenantOf(rows, idOf(text));
  await rows.upsert({ ...tenant, enabled });
  const label = tenantLabel(tenant);
  return enabled
    ? [
        `${label} is enabled, within a minute for every instance.`,
        'Alerts that came meanwhile are dead letters: "npm run ops -- dead-letters replay --reason unknown-tenant" takes them up.',
      ]
    : [
        `${label} is disabled, within a minute for every instance: no call is made for it any more.`,
        'Its alerts that wait, and those that come, become dead letters "unknown-tenant", which replay takes once it is enabled again.',
        "Its rows of enrichments stay, and so does the customer's consent.",
      ];
}

/** Deletes the row of a tenant, broken or not. */
export async function removeTenant(text: string, deps: TenantsDeps): Promise<string[]> {
  const { rows, app } = rowsOf(deps);
  const id = idOf(text);
  if (!(await rows.remove(id))) {
    throw new Error(`The tenant ${id} has no row. "npm run ops -- tenants" lists those that have one.`);
  }
  return [
    `The row of ${id} is gone. Its alerts that wait, and those that come, become dead letters "unknown-tenant".`,
    `Its enrichments stay in ${deps.settings.tables.enrichments} (row key "device:${id}") until you delete them.`,
    `The customer's consent stays too: its administrator deletes the enterprise application ${app.appId} in the Entra admin center.`,
  ];
}

/** How each tenant that has a row stands. @throws When the storage service cannot be used. */
export async function listTenants(deps: TenantsDeps): Promise<ListedTenant[]> {
  const { rows } = rowsOf(deps);
  const [all, { scopes }] = await Promise.all([rows.list(), deps.application.tenants.customers()]);
  const scopeOf = new Map(scopes.map((scope) => [scope.tenant?.id, scope]));
  return Promise.all(
    all.map(async (row): Promise<ListedTenant> => {
      if (row.kind === 'broken') {
        return { kind: 'broken', id: row.tenant.id, detail: row.tenant.damage };
      }
      const { id, name } = row.tenant;
      const scope = scopeOf.get(id);
      return scope === undefined
        ? { kind: row.tenant.enabled ? 'home' : 'disabled', id, name }
        : { kind: 'served', id, name, ...(await standing(scope)) };
    }),
  );
}

async function standing({ settings, sources, readQuota }: TenantScope) {
  const { mode } = await sources.current();
  const { store } = mode === 'graph' ? sources.graph.quota : sources.defender.quota;
  const [quota, { ledger }] = await Promise.all([readQuota(), store.read()]);
  return { source: settings.sourceChoice, quota, waiting: ledger.waiting };
}

/** Longer than a worker may wait for its turn in the quota, and for the answer. */
const DEADLINE_MS = 100_000;

/** Proves that the app can sign in to a tenant, has the roles there, and reaches the API: one call at most to each. */
export async function checkTenant(text: string, deps: TenantsDeps): Promise<Finding[]> {
  const { rows } = rowsOf(deps);
  const id = idOf(text);
  const tenant = await tenantOf(rows, id);
  const scope = await scopeOfTenant(id, deps.application);
  const { settings, sources } = scope;
  const { source, graph, polling, sourceChoice } = settings;
  const signal = AbortSignal.timeout(DEADLINE_MS);
  const wanted = { polls: polling.schedule !== undefined, lists: settings.bulkLookups };
  const overridden = Object.entries(tenant.overrides).map(([column, value]) => `${column} ${value}`);
  const row = ok('row', [tenantLabel(tenant), ...overridden].join('; '));
  const defender =
    sourceChoice === 'graph'
      ? []
      : [
          ...(await checkDefenderToken(sources.defender.tokens, source.tokenScope, wanted)),
          ...(await checkDefender(scope, source.apiUrl, signal)),
        ];
  const graphFindings =
    sourceChoice === 'defender'
      ? []
      : [
          ...(await checkGraphToken(sources.graph.tokens, graph.tokenScope, sourceChoice)),
          ...(await checkGraph(sources.graph, graph.apiUrl, signal)),
        ];
  return [row, ...defender, ...graphFindings, readiness(sourceChoice, graphFindings)];
}

/**
 * The parts that deal with one tenant's alerts.
 * @param tenantId Undefined for the home tenant.
 * @throws Error that says why the tenant is not served.
 */
export async function scopeOfTenant(
  tenantId: string | undefined,
  { tenants }: Pick<Application, 'tenants'>,
): Promise<TenantScope> {
  const route = await tenants.route(tenantId);
  if (route.kind === 'served') {
    return route.scope;
  }
  throw new Error(route.detail);
}
