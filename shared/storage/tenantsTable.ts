import { odata, type TableClient } from '@azure/data-tables';
import type { Settings } from '../config/settings.ts';
import {
  readTenant,
  TENANT_PARTITION,
  type TenantRow,
  type TenantRows,
  tenantColumns,
} from '../tenants/tenantRow.ts';
import { hasStatus } from './storageError.ts';

/** The tenants as rows of the tenants table. A table that is not there has none. */
export function createTenantsTable(table: TableClient, settings: Settings): TenantRows {
  function read(columns: Record<string, unknown> & { etag: string }): TenantRow {
    const tenant = readTenant(columns, settings);
    return tenant.ok
      ? { kind: 'tenant', tenant: tenant.value, version: columns.etag }
      : { kind: 'broken', tenant: tenant.error, version: columns.etag };
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
      try {
        return read(await table.getEntity(TENANT_PARTITION, tenantId.toLowerCase()));
      } catch (error) {
        if (hasStatus(error, 404)) {
          return undefined;
        }
        throw error;
      }
    },

    async upsert(tenant) {
      await table.upsertEntity(tenantColumns(tenant) as { partitionKey: string; rowKey: string }, 'Replace');
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
