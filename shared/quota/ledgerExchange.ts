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
 * Thrown when the ledger cannot be used: its row is damaged, another process was faster every time (`contended`), or it
 * gave no answer in time (`silent`). The message says so to a person.
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
 * Keeps the ledger where all processes find it. Both methods throw when the storage service cannot be used, and `read`
 * throws a `LedgerError` when the row is damaged.
 */
export interface LedgerStore {
  read(): Promise<StoredLedger>;
  /** The new ETag, or undefined when another process wrote first. */
  write(next: Ledger, etag: string | undefined): Promise<string | undefined>;
}

/**
 * Makes the next ledger, or returns the given object when there is nothing to write; `grant` is what comes of it. Pure.
 */
export type Change<T> = (ledger: Ledger, now: number) => { ledger: Ledger; grant: T };

/**
 * Changes the shared ledger. `change` may run several times; the result is that of the last run, whose ledger is the
 * stored one.
 * @throws When the ledger cannot be read or written, or another process was faster every time.
 */
export type LedgerExchange = <T>(change: Change<T>) => Promise<{ ledger: Ledger; grant: T }>;

/** Longest pause after a lost race for the ledger (ms). It is random, and shorter after the first races. */
const LONGEST_RACE_PAUSE_MS = 200;
/** Most attempts at one exchange; when all of them are lost, something else is wrong. */
const MOST_ATTEMPTS = 50;

/**
 * Creates the exchange of one process with the ledger.
 *
 * A process that is alone with the ledger writes on what it wrote last, without reading it again. That is safe, because
 * the write fails if the ledger has changed. A change that leaves the ledger as it is, such as a refusal while calls
 * are paused, is always decided after reading. As soon as another process has written, each exchange begins with
 * reading, until no other process has written between two writes of this one. So a shared ledger costs hardly more than
 * without this.
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
