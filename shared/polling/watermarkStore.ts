import type { TableClient } from '@azure/data-tables';
import * as z from 'zod';
import { hasStatus, isLostCreation, isLostUpdate } from '../storage/storageError.ts';

/** The watermark as read, with the mark that a write must present. */
export interface StoredWatermark {
  /** Undefined when there is none yet, or it cannot be read. */
  watermark: Date | undefined;
  /** When the last pass that came to its end began; undefined while there was none. */
  completedAt?: Date | undefined;
  /** What is wrong with the row, if anything. */
  damage?: string;
  /** Undefined while there is no row. */
  etag: string | undefined;
}

/** Keeps up to when alerts have been listed. Both methods throw when the storage service cannot be used. */
export interface WatermarkStore {
  read(): Promise<StoredWatermark>;
  /** The new mark, or undefined when somebody else wrote first. */
  write(
    state: { watermark: Date; completedAt: Date | undefined },
    etag: string | undefined,
  ): Promise<string | undefined>;
}

const KEYS = { partitionKey: 'alert-poll', rowKey: 'watermark' };
const FORMAT = 1;

const rowSchema = z.object({
  format: z.literal(FORMAT),
  watermark: z.date(),
  completedAt: z.date().optional().catch(undefined),
});

/** The watermark as one entity of the state table. */
export function createWatermarkStore(table: TableClient): WatermarkStore {
  return {
    async read() {
      try {
        const row = await table.getEntity(KEYS.partitionKey, KEYS.rowKey);
        const { data, error } = rowSchema.safeParse(row);
        return data === undefined
          ? { watermark: undefined, damage: z.prettifyError(error), etag: row.etag }
          : { watermark: data.watermark, completedAt: data.completedAt, etag: row.etag };
      } catch (error) {
        if (hasStatus(error, 404)) return { watermark: undefined, etag: undefined };
        throw error;
      }
    },

    async write({ watermark, completedAt }, etag) {
      const row = { ...KEYS, format: FORMAT, watermark, ...(completedAt && { completedAt }) };
      try {
        const written =
          etag === undefined
            ? await table.createEntity(row)
            : await table.updateEntity(row, 'Replace', { etag });
        return written.etag;
      } catch (error) {
        if (etag === undefined ? isLostCreation(error) : isLostUpdate(error)) return undefined;
        throw error;
      }
    },
  };
}
