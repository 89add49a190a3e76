import type { TableClient } from '@azure/data-tables';
import * as z from 'zod';
import type { WatermarkStore } from '../polling/poller.ts';
import { writeUnchanged } from './conditionalWrite.ts';
import { hasStatus } from './storageError.ts';

const KEYS = { partitionKey: 'alert-poll', rowKey: 'watermark' };
const FORMAT = 1;

const rowSchema = z.object({
  format: z.literal(FORMAT),
  watermark: z.date(),
  completedAt: z.date().optional().catch(undefined),
});

/** The watermark as one entity of the state table. */
export function createWatermarkTable(table: TableClient): WatermarkStore {
  return {
    async read() {
      try {
        const row = await table.getEntity(KEYS.partitionKey, KEYS.rowKey);
        const { data, error } = rowSchema.safeParse(row);
        return data === undefined
          ? { watermark: undefined, damage: z.prettifyError(error), etag: row.etag }
          : { watermark: data.watermark, completedAt: data.completedAt, etag: row.etag };
      } catch (error) {
        if (hasStatus(error, 404)) {
          return { watermark: undefined, etag: undefined };
        }
        throw error;
      }
    },

    write({ watermark, completedAt }, etag) {
      const row = { ...KEYS, format: FORMAT, watermark, ...(completedAt && { completedAt }) };
      return writeUnchanged(table, row, etag);
    },
  };
}
