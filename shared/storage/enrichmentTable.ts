import type { TableClient } from '@azure/data-tables';
import type { AlertRecord, AlertRecords } from '../pipeline/alertRecords.ts';
import type { AlertState } from '../pipeline/claim.ts';
import { answerColumns, claimColumns, noClaimColumns, publishedColumns, readRow } from './enrichmentRow.ts';
import { hasStatus, isLostCreation, isLostUpdate } from './storageError.ts';

/** The row key of every alert's row; the alert ID is its partition key. */
export const DEVICE_ROW_KEY = 'device';

/** The records of alerts as rows of the enrichments table. */
export function createEnrichmentTable(table: TableClient): AlertRecords {
  type Columns = Record<string, unknown>;

  /** Runs a conditional write; undefined when its condition did not hold. */
  async function attempt(
    alertId: string,
    state: AlertState,
    write: (row: Columns & { partitionKey: string; rowKey: string }) => Promise<{ etag?: string }>,
    columns: Columns,
    isLost: (error: unknown) => boolean = isLostUpdate,
  ): Promise<AlertRecord | undefined> {
    try {
      const { etag } = await write({ partitionKey: alertId, rowKey: DEVICE_ROW_KEY, ...columns });
      return { alertId, state, mark: etag ?? '' };
    } catch (error) {
      if (isLost(error)) {
        return undefined;
      }
      throw error;
    }
  }

  function merge(record: AlertRecord, changes: Partial<AlertState>, columns: Columns) {
    const write = (row: Columns & { partitionKey: string; rowKey: string }) =>
      table.updateEntity(row, 'Merge', { etag: record.mark });
    return attempt(record.alertId, { ...record.state, ...changes }, write, columns);
  }

  return {
    async read(alertId) {
      try {
        const row = await table.getEntity(alertId, DEVICE_ROW_KEY);
        return { alertId, state: readRow(row), mark: row.etag };
      } catch (error) {
        if (hasStatus(error, 404)) {
          return undefined;
        }
        throw error;
      }
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
      const { alertId, mark, state } = record;
      if (answer.device === undefined) {
        return merge(record, { answer }, answerColumns(answer));
      }
      const columns = {
        ...answerColumns(answer),
        ...(state.claim !== undefined && claimColumns(state.claim)),
        ...publishedColumns(state.published),
      };
      const write = (row: Columns & { partitionKey: string; rowKey: string }) =>
        table.updateEntity(row, 'Replace', { etag: mark });
      return attempt(alertId, { ...state, answer }, write, columns);
    },

    addPublished(record, submissionId) {
      const published = [...record.state.published, submissionId];
      const columns = publishedColumns(published);
      return record.state.claim?.submissionId === submissionId
        ? merge(record, { published, claim: undefined }, { ...columns, ...noClaimColumns })
        : merge(record, { published }, columns);
    },
  };
}
