import type { TableClient, TableEntityResult } from '@azure/data-tables';
import * as z from 'zod';
import { EMPTY_LEDGER, type Ledger } from '../quota/ledger.ts';
import { LedgerError, type LedgerStore } from '../quota/ledgerExchange.ts';
import type { StorageClock } from '../quota/storageClock.ts';
import { readRow, writeRow } from './conditionalRow.ts';
import { fromParts, toParts } from './textParts.ts';

const FORMAT = 1;
const ROW_KEY = 'ledger';

const rowSchema = z.object({
  format: z.literal(FORMAT),
  state: z
    .string()
    .transform((text, context) => {
      try {
        return JSON.parse(text) as unknown;
      } catch {
        context.addIssue('is no JSON');
        return z.NEVER;
      }
    })
    .pipe(
      z.object({
        waiting: z.int().min(0),
        lastTurnAt: z.number(),
        // Rows of version 0.1.0 do not say when the last 429 came, nor when and why the last refusal.
        pause: z.object({ until: z.number(), at: z.number().default(0) }).nullable(),
        strike: z.object({ rate: z.number(), at: z.number() }).nullable(),
        circuit: z
          .object({
            openedAt: z.number(),
            refusedAt: z.number().default(0),
            probeAt: z.number(),
            failures: z.int(),
            cause: z.enum(['forbidden', 'retired']).default('forbidden'),
            detail: z.string(),
          })
          .nullable(),
      }),
    ),
});

/**
 * The ledger as one entity of the state table.
 * @param partitionKey Names the quota: one ledger for each API and identity.
 */
export function createLedgerTable(
  table: TableClient,
  partitionKey: string,
  clock: StorageClock,
  localNow: () => number,
): LedgerStore {
  /** Every answer, a refusal too, tells the service's time. */
  async function timed<T>(
    operation: (
      onResponse: (response: { headers: { get(name: string): string | undefined } }) => void,
    ) => Promise<T>,
  ): Promise<T> {
    const sentAt = localNow();
    return operation((response) => clock.observe(sentAt, localNow(), response.headers.get('date')));
  }

  const keys = { partitionKey, rowKey: ROW_KEY };
  return {
    async read() {
      const row = await timed((onResponse) => readRow(table, keys, { onResponse }));
      return row === undefined
        ? { ledger: EMPTY_LEDGER, etag: undefined }
        : { ledger: decode(row), etag: row.etag };
    },

    write(next, etag) {
      return timed((onResponse) => writeRow(table, { ...keys, ...encode(next) }, etag, { onResponse }));
    },
  };
}

function encode({ calls, displaced, urgent, ...state }: Ledger) {
  return {
    format: FORMAT,
    state: JSON.stringify(state),
    ...toParts('calls', encodeTimes(calls)),
    ...toParts('displaced', encodeTimes(displaced)),
    ...toParts('urgent', encodeTimes(urgent)),
  };
}

function decode(row: TableEntityResult<Record<string, unknown>>): Ledger {
  const { data, error } = rowSchema.safeParse(row);
  if (data === undefined) {
    throw new LedgerError(
      'damaged',
      `The quota ledger (partition "${row.partitionKey}", row "${ROW_KEY}" of the state table) cannot be read: ` +
        `${z.prettifyError(error)}. Without it no call is made. Delete that row to begin a new ledger.`,
    );
  }
  return {
    ...data.state,
    calls: decodeTimes(fromParts('calls', row)),
    displaced: decodeTimes(fromParts('displaced', row)),
    urgent: decodeTimes(fromParts('urgent', row)),
  };
}

/** Times as differences in base 36, which keeps 1,500 of them within a few kilobytes of readable text. */
function encodeTimes(times: readonly number[]): string {
  return times.map((time, index) => Math.round(time - (times[index - 1] ?? 0)).toString(36)).join(' ');
}

function decodeTimes(text: string | undefined): number[] {
  let time = 0;
  return (text ?? '')
    .split(' ')
    .filter(Boolean)
    .map((difference) => {
      time += Number.parseInt(difference, 36);
      return time;
    });
}
