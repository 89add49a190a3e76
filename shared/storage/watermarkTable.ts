import type { TableClient } from '@azure/data-tables';
import * as z from 'zod';
import type { WatermarkStore } from '../polling/poller.ts';
import { readRow, writeRow } from './conditionalRow.ts';

const FORMAT = 1;

const rowSchema = z.object({
  format: z.literal(FORMAT),
  watermark: z.date(),
  completedAt: z.date().optional().catch(undefined),
});

/**
 * The watermark as one entity of the state table.
 * @param keyPrefix Tells a customer's rows from another's; the home tenant's have none.
 */
export function createWatermarkTable(table: TableClient, keyPrefix = ''): WatermarkStore {
  const keys = { partitionKey: `${keyPrefix}alert-poll`, rowKey: 'watermark' };
  return {
    async read() {
      const row = await readRow(table, keys);
      if (row === undefined) {
        return { watermark: undefined, etag: undefined };
      }
      const { data, error } = rowSchema.safeParse(row);
      return data === undefined
        ? { watermark: undefined, damage: z.prettifyError(error), etag: row.etag }
        : { watermark: data.watermark, completedAt: data.completedAt, etag: row.etag };
    },

    write({ watermark, completedAt }, etag) {
      const row = { ...keys, format: FORMAT, watermark, ...(completedAt && { completedAt }) };
      return writeRow(table, row, etag);
    },
  };
}
