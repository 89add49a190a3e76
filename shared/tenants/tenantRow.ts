import * as z from 'zod';
import { SettingsError } from '../config/setting.ts';
import { readSettings, type Settings } from '../config/settings.ts';
import { failure, type Result, success } from '../result.ts';

/** Partition of every tenant's row; the row key is the tenant ID in lower case. */
export const TENANT_PARTITION = 'tenant';

/** The columns that stand for settings of the deployment, which a tenant may have in a form of its own. */
export const TENANT_COLUMNS = {
  source: 'ENRICHMENT_SOURCE',
  geo: 'DEFENDER_GEO',
  rateLimits: 'DEFENDER_RATE_LIMITS',
  quotaShare: 'DEFENDER_QUOTA_SHARE',
  pollSchedule: 'ALERT_POLL_SCHEDULE',
  pollSeverities: 'ALERT_POLL_SEVERITIES',
  pollStatuses: 'ALERT_POLL_STATUSES',
  pollDetectionSources: 'ALERT_POLL_DETECTION_SOURCES',
  reuseFor: 'REUSE_FOR',
} as const;
/** The name of such a column. */
export type TenantColumn = keyof typeof TENANT_COLUMNS;
const columnNames = Object.keys(TENANT_COLUMNS) as TenantColumn[];

/** A customer's tenant as its row describes it. */
export interface Tenant {
  /** In lower case. */
  id: string;
  /** For people only. */
  name: string | undefined;
  /** False stops all work for the tenant. */
  enabled: boolean;
  /** Application or object IDs, in lower case, of the HTTP callers that act for this tenant and for no other. */
  callers: readonly string[];
  /** Each written as in the setting that it takes the place of. A column that is not here falls back to the setting. */
  overrides: Readonly<Partial<Record<TenantColumn, string>>>;
}

/** A row that cannot be used, and why: a person corrects it. Nothing is done for its tenant meanwhile. */
export interface BrokenTenant {
  /** The row key in lower case: the tenant ID, unless it is the row key that is wrong. */
  id: string;
  /** Which columns are wrong, and what is allowed. */
  damage: string;
  /** All IDs that the column holds, even if something is wrong with it. */
  callers: readonly string[];
}

/** A row of the tenants table. `version` changes with each change of the row. */
export type TenantRow = { version: string } & (
  | { kind: 'tenant'; tenant: Tenant }
  | { kind: 'broken'; tenant: BrokenTenant }
);

/** The tenants table. @throws When the storage service cannot be used. */
export interface TenantRows {
  list(): Promise<TenantRow[]>;
  /** Undefined when there is no such row. */
  get(tenantId: string): Promise<TenantRow | undefined>;
  /** Writes the whole row and removes columns that it does not name. Creates the table where it is missing. */
  upsert(tenant: Tenant): Promise<void>;
  /** @returns Whether there was one. */
  remove(tenantId: string): Promise<boolean>;
}

/** What people call a tenant: its ID, with the name that its row gives it. */
export function tenantLabel({ id, name }: Pick<Tenant, 'id' | 'name'>): string {
  return name === undefined ? id : `${id} (${name})`;
}

/** A cell may be written by hand in any of the table's types. An empty one says nothing. */
const text = z
  .union([z.string(), z.number(), z.bigint(), z.boolean()])
  .transform((value) => String(value).trim() || undefined)
  .nullish()
  .transform((value) => value ?? undefined);

const ALLOWED = {
  rowKey: 'a tenant ID (GUID) in lower case',
  name: 'a text of up to 200 characters in one line',
  enabled: '`true`, `false`',
  callers: 'application or object IDs (GUIDs) with commas between',
  other: 'a text',
};

const columnsSchema = z.object({
  rowKey: z.guid().refine((id) => id === id.toLowerCase()),
  name: text.refine((name = '') => name.length <= 200 && !/\p{C}/u.test(name)),
  enabled: text.pipe(z.stringbool({ truthy: ['true'], falsy: ['false'] }).prefault('true')),
  callers: text
    .transform((list = '') => list.toLowerCase().split(','))
    .pipe(
      z
        .array(z.string().trim())
        .transform((ids) => ids.filter((id) => id !== ''))
        .pipe(z.array(z.guid())),
    ),
  ...(Object.fromEntries(columnNames.map((column) => [column, text])) as Record<TenantColumn, typeof text>),
});

/**
 * Reads a row by itself and as a part of the deployment's settings.
 * @param columns As Table Storage has them, `rowKey` among them.
 */
export function readTenant(
  columns: Readonly<Record<string, unknown>>,
  settings: Settings,
): Result<Tenant, BrokenTenant> {
  const broken = (damage: string): Result<Tenant, BrokenTenant> =>
    failure({ id: String(columns.rowKey ?? '').toLowerCase(), damage, callers: guidsIn(columns.callers) });
  const { data, error } = columnsSchema.safeParse(columns);
  if (data === undefined) {
    const wrong = [...new Set(error.issues.map(({ path }) => String(path[0])))];
    return broken(wrong.map((column) => problem(column, columns[column])).join(' '));
  }
  const overrides = columnNames.flatMap((column) => {
    const value = data[column];
    return value === undefined ? [] : [[column, value] as const];
  });
  const { rowKey, name, enabled, callers } = data;
  const tenant = { id: rowKey, name, enabled, callers, overrides: Object.fromEntries(overrides) };
  const read = settingsOf(settings, tenant);
  return read.ok ? success(tenant) : broken(read.error);
}

function guidsIn(value: unknown): string[] {
  return (
    String(value ?? '')
      .toLowerCase()
      .match(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g) ?? []
  );
}

function problem(column: string, value: unknown): string {
  const allowed = ALLOWED[column as keyof typeof ALLOWED] ?? ALLOWED.other;
  return `Column "${column}" got ${JSON.stringify(String(value)).slice(0, 120)}; allowed: ${allowed}.`;
}

/** The columns of a tenant's row. */
export function tenantColumns({ id, name, enabled, callers, overrides }: Tenant): Record<string, unknown> {
  return {
    partitionKey: TENANT_PARTITION,
    rowKey: id.toLowerCase(),
    enabled,
    ...(name !== undefined && { name }),
    ...(callers.length > 0 && { callers: callers.join(',') }),
    ...overrides,
  };
}

/**
 * The settings that hold for a tenant: the deployment's, with the overrides of its row in their place. So a row is
 * checked by the rules of the settings, and by rules between several settings too.
 * @returns The settings, or which columns are wrong and what is allowed.
 */
export function settingsOf(
  settings: Settings,
  { overrides }: Pick<Tenant, 'overrides'>,
): Result<Settings, string> {
  const set = columnNames.flatMap((column) => {
    const value = overrides[column];
    return value === undefined ? [] : [[TENANT_COLUMNS[column], value] as const];
  });
  try {
    return success(readSettings({ ...settings.given, ...Object.fromEntries(set) }));
  } catch (error) {
    if (!(error instanceof SettingsError)) {
      throw error;
    }
    return failure(error.problems.map(({ setting, message }) => columnProblem(setting, message)).join(' '));
  }
}

function columnProblem(setting: string, message: string): string {
  const column = columnNames.find((name) => TENANT_COLUMNS[name] === setting);
  return `Column "${column ?? setting}" ${message}`;
}
