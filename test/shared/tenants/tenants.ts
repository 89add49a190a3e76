import type { TenantRow } from '#shared/tenants/tenantRow.ts';

export const HOME = '00000000-1111-4222-8333-444444444444';
export const CONTOSO = 'aaaaaaaa-1111-4222-8333-444444444444';
export const FABRIKAM = 'bbbbbbbb-1111-4222-8333-444444444444';

type Sound = Extract<TenantRow, { kind: 'tenant' }>;

/** A row with nothing in it but what is given. */
export function rowOf(id: string, columns: Partial<Sound['tenant']> = {}, version = '1'): Sound {
  const tenant = { id, name: undefined, enabled: true, callers: [], overrides: {}, ...columns };
  return { kind: 'tenant', version, tenant };
}

export function brokenRowOf(id: string, damage: string, callers: string[] = []): TenantRow {
  return { kind: 'broken', version: '1', tenant: { id, damage, callers } };
}

/** A directory of these rows, which a test may change. */
export function directoryOf(rows: TenantRow[]) {
  return {
    rows: async () => new Map(rows.map((row) => [row.tenant.id, row])),
    failingSince: () => undefined,
  };
}
