import type { TableClient } from '@azure/data-tables';
import * as z from 'zod';
import type { SourceStateStore } from '../sources/auto/autoSource.ts';
import { initialState, type SourceState } from '../sources/auto/sourceState.ts';
import { parseJson } from '../text.ts';
import { writeUnchanged } from './conditionalWrite.ts';
import { hasStatus } from './storageError.ts';

const KEYS = { partitionKey: 'source', rowKey: 'state' };
const FORMAT = 1;

const time = z.iso.datetime().transform((text) => new Date(text));
const stateSchema: z.ZodType<SourceState> = z.discriminatedUnion('mode', [
  z.object({
    mode: z.literal('defender'),
    canary: z.string().nullable(),
    provedAt: time.nullable(),
    doubt: z.object({ since: time, signs: z.int(), detail: z.string() }).nullable(),
  }),
  z.object({
    mode: z.literal('graph'),
    canary: z.string().nullable(),
    since: time,
    detail: z.string(),
    nextProbeAt: time,
  }),
]);
const rowSchema = z.object({ format: z.literal(FORMAT), state: z.string() });

/** Which source serves, as one entity of the state table. A row that cannot be read counts as a new beginning. */
export function createSourceStateTable(table: TableClient): SourceStateStore {
  return {
    async read() {
      try {
        const row = await table.getEntity(KEYS.partitionKey, KEYS.rowKey);
        const text = rowSchema.safeParse(row).data?.state;
        return { state: stateSchema.safeParse(parseJson(text)).data ?? initialState, etag: row.etag };
      } catch (error) {
        if (hasStatus(error, 404)) {
          return { state: initialState, etag: undefined };
        }
        throw error;
      }
    },

    write(state, etag) {
      const row = { ...KEYS, format: FORMAT, state: JSON.stringify(state) };
      return writeUnchanged(table, row, etag);
    },
  };
}
