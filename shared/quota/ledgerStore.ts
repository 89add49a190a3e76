import type { TableClient, TableEntityResult } from '@azure/data-tables';
import * as z from 'zod';
import { hasStatus, isLostCreation, isLostUpdate } from '../storage/storageError.ts';
import { fromParts, toParts } from '../storage/textParts.ts';
import { emptyLedger, type Ledger } from './ledger.ts';
import type { StorageClock } from './storageClock.ts';

/** A ledger as read, with the mark that a write must present so that nobody's change in between is lost. */
export interface StoredLedger {
  ledger: Ledger;
  /** Undefined while the ledger does not exist. */
  etag: string | undefined;
}

/**
 * Thrown when the ledger cannot be used: its row is damaged, another instance was faster every time (`contended`), or
 * it gave no answer in time (`silent`). The message says so to a person.
 */
export class LedgerError extends Error {
  override name = 'LedgerError';
  readonly code: 'damaged' | 'contended' | 'silent';

  constructor(code: LedgerError['code'], message: string) {
    super(message);
    this.code = code;
  }
}

/**
 * Keeps the ledger where all instances find it. Both methods throw when the storage service cannot be used, and `read`
 * throws a `LedgerError` when the row is damaged.
 */
export interface LedgerStore {
  read(): Promise<StoredLedger>;
  /** The new mark, or undefined when somebody else wrote first. */
  write(next: Ledger, etag: string | undefined): Promise<string | undefined>;
}

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
export function createLedgerStore(
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

  return {
    async read() {
      try {
        const row = await timed((onResponse) => table.getEntity(partitionKey, ROW_KEY, { onResponse }));
        return { ledger: decode(row), etag: row.etag };
      } catch (error) {
        if (hasStatus(error, 404)) return { ledger: emptyLedger, etag: undefined };
        throw error;
      }
    },

    async write(next, etag) {
      const row = { partitionKey, rowKey: ROW_KEY, ...encode(next) };
      try {
        const written = await timed((onResponse) =>
          etag === undefined
            ? table.createEntity(row, { onResponse })
            : table.updateEntity(row, 'Replace', { etag, onResponse }),
        );
        return written.etag;
      } catch (error) {
        if (etag === undefined ? isLostCreation(error) : isLostUpdate(error)) return undefined;
        throw error;
      }
    },
  };
}

function encode({ calls, displaced, ...state }: Ledger) {
  return {
    format: FORMAT,
    state: JSON.stringify(state),
    ...toParts('calls', encodeTimes(calls)),
    ...toParts('displaced', encodeTimes(displaced)),
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

/** The next ledger, or the very one that was given when there is nothing to write, and what comes of it. Pure. */
export type Change<T> = (ledger: Ledger, now: number) => { ledger: Ledger; grant: T };

/**
 * Changes the shared ledger: what `change` made of it last is written, or was read a moment ago.
 * @throws When the ledger cannot be read or written, or another instance was faster every time.
 */
export type LedgerExchange = <T>(change: Change<T>) => Promise<{ ledger: Ledger; grant: T }>;

/** After a lost race for the ledger: a random pause, up to this after many. */
const LONGEST_RACE_PAUSE_MS = 200;
/** So many lost races in a row mean something else than a race. */
const MOST_ATTEMPTS = 50;

/**
 * A process that is alone with the ledger writes on what it wrote last without reading it again. That is safe: the
 * write holds only if the ledger is still that one. What leaves the ledger as it is, such as a refusal while calls
 * are paused, is never decided without reading it. As soon as somebody else has written, each exchange begins with
 * reading, until nobody has between two of ours; so a shared ledger costs hardly more than without this.
 *
 * @param random Uniform in [0, 1).
 */
export function createLedgerExchange(
  store: LedgerStore,
  clock: StorageClock,
  random: () => number,
): LedgerExchange {
  let written: StoredLedger | undefined;
  let isAlone = true;

  async function read(): Promise<StoredLedger> {
    const stored = await store.read();
    isAlone = written === undefined || written.etag === stored.etag;
    return stored;
  }

  /** Whether the change holds: it was written on `stored`, or there was nothing to write. */
  async function write(ledger: Ledger, stored: StoredLedger): Promise<boolean> {
    if (ledger === stored.ledger) return true;
    const etag = await store.write(ledger, stored.etag);
    if (etag !== undefined) written = { ledger, etag };
    return etag !== undefined;
  }

  return async (change) => {
    for (let attempt = 1; attempt <= MOST_ATTEMPTS; attempt += 1) {
      if (isAlone && written !== undefined) {
        const guess = change(written.ledger, clock.now());
        if (guess.ledger !== written.ledger && (await write(guess.ledger, written))) return guess;
      }
      const stored = await read();
      const next = change(stored.ledger, clock.now());
      if (await write(next.ledger, stored)) return next;
      const pauseMs = random() * LONGEST_RACE_PAUSE_MS * Math.min(1, attempt / 10);
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
    throw new LedgerError(
      'contended',
      `The quota ledger could not be written: another instance was faster ${MOST_ATTEMPTS} times in a row.`,
    );
  };
}
