import { odata, type TableClient } from '@azure/data-tables';
import type { Settings } from '../config/settings.ts';
import {
  readTenant,
  TENANT_PARTITION,
  type TenantRow,
  type TenantRows,
  tenantColumns,
} from '../tenants/tenantRow.ts';
import { readRow } from './conditionalRow.ts';
import { hasStatus } from './storageError.ts';

/** The tenants as rows of the tenants table. A table that is not there has none. */
export function createTenantsTable(table: TableClient, settings: Settings): TenantRows {
  /** Rows as they were read last: to check one anew takes about a millisecond, and few change. */
  const known = new Map<string, TenantRow>();
  function read(columns: Record<string, unknown>): TenantRow {
    const key = String(columns.rowKey);
    const version = String(columns.etag);
    const same = known.get(key);
    if (same?.version === version) {
      return same;
    }
    const tenant = readTenant(columns, settings);
    const row: TenantRow = tenant.ok
      ? { kind: 'tenant', tenant: tenant.value, version }
      : { kind: 'broken', tenant: tenant.error, version };
    known.set(key, row);
    return row;
  }

  return {
    async list() {
      const rows: TenantRow[] = [];
      const filter = odata`PartitionKey eq ${TENANT_PARTITION}`;
      try {
        for await (const row of table.listEntities({ queryOptions: { filter } })) {
          rows.push(read(row));
        }
      } catch (error) {
        if (hasStatus(error, 404)) {
          return [];
        }
        throw error;
      }
      return rows;
    },

    async get(tenantId) {
      const row = await readRow(table, { partitionKey: TENANT_PARTITION, rowKey: tenantId.toLowerCase() });
      return row && read(row);
    },

    async upsert(tenant) {
      const row = tenantColumns(tenant) as { partitionKey: string; rowKey: string };
      const write = () => table.upsertEntity(row, 'Replace');
      try {
        await write();
      } catch (error) {
        if (!hasStatus(error, 404)) {
          throw error;
        }
        await table.createTable();
        await write();
      }
    },

    async remove(tenantId) {
      try {
        await table.deleteEntity(TENANT_PARTITION, tenantId.toLowerCase());
        return true;
      } catch (error) {
        if (hasStatus(error, 404)) {
          return false;
        }
        throw error;
      }
    },
  };
}
