import { record } from '../telemetry/telemetry.ts';
import type { Ledger } from './ledger.ts';
import type { StorageClock } from './storageClock.ts';

/** A ledger as read, with the ETag that a write must present so that no change in between is lost. */
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
  /** The new ETag, or undefined when another process wrote first. */
  write(next: Ledger, etag: string | undefined): Promise<string | undefined>;
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
/** After this many lost races in a row something else is wrong. */
const MOST_ATTEMPTS = 50;

/**
 * A process that is alone with the ledger writes on what it wrote last without reading it again. That is safe: the
 * write holds only if the ledger is still that one. What leaves the ledger as it is, such as a refusal while calls
 * are paused, is never decided without reading it. As soon as another instance has written, each exchange begins with
 * reading, until none has between two of ours; so a shared ledger costs hardly more than without this.
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
    if (ledger === stored.ledger) {
      return true;
    }
    const etag = await store.write(ledger, stored.etag);
    if (etag === undefined) {
      record({ event: 'ledger_conflict' });
    } else {
      written = { ledger, etag };
    }
    return etag !== undefined;
  }

  return async (change) => {
    for (let attempt = 1; attempt <= MOST_ATTEMPTS; attempt += 1) {
      if (isAlone && written !== undefined) {
        const guess = change(written.ledger, clock.now());
        if (guess.ledger !== written.ledger && (await write(guess.ledger, written))) {
          return guess;
        }
      }
      const stored = await read();
      const next = change(stored.ledger, clock.now());
      if (await write(next.ledger, stored)) {
        return next;
      }
      const pauseMs = random() * LONGEST_RACE_PAUSE_MS * Math.min(1, attempt / 10);
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
    throw new LedgerError(
      'contended',
      `The quota ledger could not be written: another instance was faster ${MOST_ATTEMPTS} times in a row.`,
    );
  };
}
