import type { TableClient } from '@azure/data-tables';
import * as z from 'zod';
import type { SourceStateStore } from '../sources/auto/autoSource.ts';
import { INITIAL_STATE, type SourceState } from '../sources/auto/sourceState.ts';
import { parseJson } from '../text.ts';
import { readRow, writeRow } from './conditionalRow.ts';

const FORMAT = 1;

/** An earlier version took the word `machines`, of its calls for lists, for an alert. */
const canary = z
  .string()
  .nullable()
  .transform((alertId) => (alertId === 'machines' ? null : alertId));
const time = z.iso.datetime().transform((text) => new Date(text));
const stateSchema: z.ZodType<SourceState> = z.discriminatedUnion('mode', [
  z.object({
    mode: z.literal('defender'),
    canary,
    provedAt: time.nullable(),
    doubt: z.object({ since: time, signs: z.int(), detail: z.string() }).nullable(),
  }),
  z.object({
    mode: z.literal('graph'),
    canary,
    since: time,
    detail: z.string(),
    nextProbeAt: time,
  }),
]);
const rowSchema = z.object({ format: z.literal(FORMAT), state: z.string() });

/**
 * Which source serves, as one entity of the state table. A row that cannot be read counts as a new beginning.
 * @param keyPrefix Tells a customer's rows from another's; the home tenant's have none.
 */
export function createSourceStateTable(table: TableClient, keyPrefix = ''): SourceStateStore {
  const keys = { partitionKey: `${keyPrefix}source`, rowKey: 'state' };
  return {
    async read() {
      const row = await readRow(table, keys);
      if (row === undefined) {
        return { state: INITIAL_STATE, etag: undefined };
      }
      const text = rowSchema.safeParse(row).data?.state;
      return { state: stateSchema.safeParse(parseJson(text)).data ?? INITIAL_STATE, etag: row.etag };
    },

    write(state, etag) {
      return writeRow(table, { ...keys, format: FORMAT, state: JSON.stringify(state) }, etag);
    },
  };
}
