import type { TableClient } from '@azure/data-tables';
import type { AlertRecord, AlertRecords, AlertState } from '../pipeline/alertRecords.ts';
import { readRow } from './conditionalRow.ts';
import {
  answerColumns,
  claimColumns,
  NO_CLAIM_COLUMNS,
  publishedColumns,
  readAlertRow,
} from './enrichmentRow.ts';
import { isLostCreation, isLostUpdate } from './storageError.ts';

/** The row key of the home tenant's alerts. */
export const DEVICE_ROW_KEY = 'device';

/**
 * The row key of an alert's row; the alert ID is its partition key. Alert IDs may not be unique over tenants.
 * @param tenantId Undefined for the home tenant.
 */
export function deviceRowKey(tenantId?: string): string {
  return tenantId === undefined ? DEVICE_ROW_KEY : `${DEVICE_ROW_KEY}:${tenantId.toLowerCase()}`;
}

/** The records of one tenant's alerts as rows of the enrichments table. @param tenantId Undefined for the home tenant. */
export function createEnrichmentTable(table: TableClient, tenantId?: string): AlertRecords {
  type Columns = Record<string, unknown>;
  const rowKey = deviceRowKey(tenantId);

  /** Runs a conditional write; undefined when its condition did not hold. */
  async function attempt(
    alertId: string,
    state: AlertState,
    write: (row: Columns & { partitionKey: string; rowKey: string }) => Promise<{ etag?: string }>,
    columns: Columns,
    isLost: (error: unknown) => boolean = isLostUpdate,
  ): Promise<AlertRecord | undefined> {
    try {
      const { etag } = await write({ partitionKey: alertId, rowKey, ...columns });
      return { alertId, state, etag: etag ?? '' };
    } catch (error) {
      if (isLost(error)) {
        return undefined;
      }
      throw error;
    }
  }

  function merge(record: AlertRecord, changes: Partial<AlertState>, columns: Columns) {
    const write = (row: Columns & { partitionKey: string; rowKey: string }) =>
      table.updateEntity(row, 'Merge', { etag: record.etag });
    return attempt(record.alertId, { ...record.state, ...changes }, write, columns);
  }

  return {
    async read(alertId) {
      const row = await readRow(table, { partitionKey: alertId, rowKey });
      return row && { alertId, state: readAlertRow(row), etag: row.etag };
    },

    async announce(alertId) {
      const state = { claim: undefined, answer: undefined, published: [] };
      await attempt(alertId, state, (row) => table.createEntity(row), {}, isLostCreation);
    },

    create(alertId, claim) {
      const state = { claim, answer: undefined, published: [] };
      return attempt(alertId, state, (row) => table.createEntity(row), claimColumns(claim), isLostCreation);
    },

    claim(record, claim) {
      return merge(record, { claim }, claimColumns(claim));
    },

    store(record, answer) {
      const { alertId, etag, state } = record;
      if (answer.device === undefined) {
        return merge(record, { answer }, answerColumns(answer));
      }
      const columns = {
        ...answerColumns(answer),
        ...(state.claim !== undefined && claimColumns(state.claim)),
        ...publishedColumns(state.published),
      };
      const write = (row: Columns & { partitionKey: string; rowKey: string }) =>
        table.updateEntity(row, 'Replace', { etag });
      return attempt(alertId, { ...state, answer }, write, columns);
    },

    addPublished(record, submissionId) {
      const published = [...record.state.published, submissionId];
      const columns = publishedColumns(published);
      return record.state.claim?.submissionId === submissionId
        ? merge(record, { published, claim: undefined }, { ...columns, ...NO_CLAIM_COLUMNS })
        : merge(record, { published }, columns);
    },
  };
}
