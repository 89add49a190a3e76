import { setTimeout as delay } from 'node:timers/promises';
import type { AlertFeed, ListedAlert } from './source.ts';

/**
 * A list of alerts that one process has made for all. It has every alert updated from `from` to `until`, as of `until`.
 */
export interface AlertList {
  id: string;
  from: Date;
  until: Date;
  /** How many parts of it are kept. */
  parts: number;
}

/** How the list that all processes share stands. `list` is the one that was made last. */
export type SharedList =
  /** No process makes a list. */
  | { kind: 'idle'; list: AlertList | undefined }
  /** One process makes the list. It holds a lease until `until`, and renews it. */
  | { kind: 'listing'; until: Date; list: AlertList | undefined }
  /** The API gave no list: no process asks for one before `until`. */
  | { kind: 'resting'; until: Date; list: AlertList | undefined };

/** What a list told of alerts, and when it did. */
export interface ListPart {
  listedAt: Date;
  alerts: readonly AlertDevice[];
}

/** An alert with its device: all that a look-up needs of a list. */
export type AlertDevice = Pick<ListedAlert, 'alertId' | 'machineId' | 'evidence'>;

/** Keeps the list where all processes find it. All methods throw when the storage service cannot be used. */
export interface AlertListStore {
  read(): Promise<{ shared: SharedList; etag: string | undefined }>;
  /** @returns The new ETag; undefined when another process has written meanwhile. */
  write(shared: SharedList, etag: string | undefined): Promise<string | undefined>;
  /** The parts that are kept, from number `first` up to but without `end`; parts of other lists are left out. */
  readParts(listId: string, first: number, end: number): Promise<ListPart[]>;
  /** @returns How many parts, from number `first` on, it was kept in. */
  writePart(listId: string, first: number, part: ListPart): Promise<number>;
}

/** The times of submission of the alerts that a list is for (milliseconds). */
export interface Wanted {
  earliest: number;
  latest: number;
}

export interface AlertListDeps {
  feed: AlertFeed;
  store: AlertListStore;
  now: () => Date;
  /** A new ID, unique among all lists. */
  newId: () => string;
}

/** Longest time from the update of an alert to its submission (ms); an alert that is older is looked up by itself. */
const LEAD_MS = 3_600_000;
/** How much earlier a list begins (ms), for alerts that were submitted a little before the one it is made for. */
const SPARE_MS = 900_000;
/** How long before its last end a list goes on (ms): the API's list may lag. */
const OVERLAP_MS = 120_000;
/** Longest time that one list spans (ms); then a new one begins. */
const LONGEST_LIST_MS = 6 * 3_600_000;
/** Most parts of one list, which are rows of the state table; then a new one begins. */
const MOST_PARTS = 60;
/** How long no process asks after the API gave no list, and after it refused for want of the role (ms). */
const REST_MS = 30_000;
const REST_ROLE_MS = 600_000;
/** The lease on making the list, and how often it is renewed (ms). */
const LEASE_MS = 12_000;
const RENEW_MS = 4_000;
/** Longest time that making a list takes (ms); the pages until then count. */
const LONGEST_LISTING_MS = 60_000;
/** How often a process that waits for the list reads whether it is there (ms). */
const LOOK_MS = 400;

/** Whether the list spans the times at which these alerts can have been updated. Pure. */
export function covers(list: Pick<AlertList, 'from' | 'until'> | undefined, wanted: Wanted): boolean {
  return (
    list !== undefined &&
    list.from.getTime() <= wanted.earliest - LEAD_MS &&
    list.until.getTime() >= wanted.latest
  );
}

/** The list to make for alerts that `before` does not cover: it goes on where `before` ended, or begins anew. Pure. */
export function nextList(
  before: AlertList | undefined,
  wanted: Wanted,
  newId: () => string,
): { list: AlertList; since: Date } {
  const goesOn =
    before !== undefined &&
    before.from.getTime() <= wanted.earliest - LEAD_MS &&
    before.until.getTime() - before.from.getTime() < LONGEST_LIST_MS &&
    before.parts < MOST_PARTS;
  if (goesOn) {
    return { list: before, since: new Date(before.until.getTime() - OVERLAP_MS) };
  }
  const since = new Date(wanted.earliest - LEAD_MS - SPARE_MS);
  return { list: { id: newId(), from: since, until: since, parts: 0 }, since };
}

/** What came of asking for a list. */
export type Listing = { kind: 'listed'; list: AlertList } | { kind: 'resting'; until: Date };

/** The lists of alerts of one API, which all processes share. */
export interface AlertLists {
  /**
   * A list that covers these alerts: one that is there, one that another process makes, or a new one.
   * @param take Is called with each part that this process has not had yet.
   * @throws When the storage service cannot be used, or the feed throws.
   */
  list(wanted: Wanted, take: (part: ListPart) => void): Promise<Listing>;
}

/**
 * Lists of alerts that one process makes and all use. The first process that wants one holds a lease in the state table
 * while it pages. The others wait, and read the pages that it stores.
 *
 * If the process dies, its stored pages stay, and another one takes over when the lease expires. Two processes that
 * make the same list, because one was slow, waste calls and harm nothing: each page is true by itself.
 */
export function createAlertLists({ feed, store, now, newId }: AlertListDeps): AlertLists {
  /** Which parts of which list this process knows. */
  let known = { id: '', parts: 0 };

  async function takeParts({ id, parts }: AlertList, take: (part: ListPart) => void): Promise<void> {
    const first = known.id === id ? known.parts : 0;
    if (first < parts) {
      for (const part of await store.readParts(id, first, parts)) {
        take(part);
      }
    }
    known = { id, parts };
  }

  /** Makes the list while it holds the lease, and gives the lease back. */
  async function make(
    before: AlertList | undefined,
    wanted: Wanted,
    lease: string,
    take: (part: ListPart) => void,
  ): Promise<Listing> {
    const listedAt = now();
    const { list, since } = nextList(before, wanted, newId);
    let { parts } = list;
    let etag: string | undefined = lease;
    // Without the lease it goes on, because its own process can use the pages.
    const say = async (shared: SharedList) => {
      etag = etag && (await store.write(shared, etag));
    };
    const hasEnded = new AbortController();
    const renewing = repeat(RENEW_MS, hasEnded.signal, () => say(leaseOn(before)));
    const listing = feed.listUpdatedSince(
      since,
      async ({ alerts }) => {
        take({ listedAt, alerts });
        parts += await store.writePart(list.id, parts, { listedAt, alerts });
      },
      AbortSignal.timeout(LONGEST_LISTING_MS),
    );
    const ended = await settled(listing);
    hasEnded.abort();
    await renewing;
    if (ended.kind === 'failed') {
      await say({ kind: 'idle', list: before }).catch(() => undefined);
      throw ended.error;
    }
    known = { id: list.id, parts };
    const { end } = ended.value;
    if (end.kind === 'complete' || end.kind === 'moved') {
      const made = { ...list, until: listedAt, parts };
      await say({ kind: 'idle', list: made });
      return { kind: 'listed', list: made };
    }
    const until = after(end.kind === 'forbidden' ? REST_ROLE_MS : REST_MS);
    // The pages read until then are kept too, as parts of a list that covers no more time than before.
    await say({ kind: 'resting', until, list: { ...list, parts } });
    return { kind: 'resting', until };
  }

  function leaseOn(list: AlertList | undefined): SharedList {
    return { kind: 'listing', until: after(LEASE_MS), list };
  }

  function after(delayMs: number): Date {
    return new Date(now().getTime() + delayMs);
  }

  return {
    async list(wanted, take) {
      for (;;) {
        const { shared, etag } = await store.read();
        if (shared.list !== undefined) {
          await takeParts(shared.list, take);
          if (covers(shared.list, wanted)) {
            return { kind: 'listed', list: shared.list };
          }
        }
        const isOn = shared.kind !== 'idle' && now() < shared.until;
        if (shared.kind === 'resting' && isOn) {
          return { kind: 'resting', until: shared.until };
        }
        if (shared.kind === 'listing' && isOn) {
          await delay(LOOK_MS);
          continue;
        }
        const lease = await store.write({ kind: 'listing', until: after(LEASE_MS), list: shared.list }, etag);
        if (lease !== undefined) {
          return make(shared.list, wanted, lease, take);
        }
      }
    },
  };
}

/** Repeats the work every `everyMs` until the signal aborts. A failure is ignored: the next time may succeed. */
async function repeat(everyMs: number, signal: AbortSignal, work: () => Promise<void>): Promise<void> {
  for (;;) {
    await delay(everyMs, undefined, { signal }).catch(() => undefined);
    if (signal.aborted) {
      return;
    }
    await work().catch(() => undefined);
  }
}

type Settled<T> = { kind: 'done'; value: T } | { kind: 'failed'; error: unknown };

function settled<T>(work: Promise<T>): Promise<Settled<T>> {
  return work.then(
    (value): Settled<T> => ({ kind: 'done', value }),
    (error): Settled<T> => ({ kind: 'failed', error }),
  );
}
