import { withinTime } from '../promises.ts';
import type { CallRequest } from '../quota/callGate.ts';
import type { Failure } from './apiReply.ts';
import type { LookUp, LookUpFailure } from './lookUp.ts';

/** What a batch says about one ID. */
export type BatchAnswer<Row> = { kind: 'row'; row: Row } | LookUpFailure;

/**
 * Asks about many IDs by one call. IDs that come while a call waits for its slot join that call; IDs that come while it
 * is under way share the next one.
 */
export interface Batch<Row> {
  ask(id: string, place: CallRequest['place'], signal: AbortSignal): Promise<BatchAnswer<Row>>;
}

/** What an API says about several IDs at once. */
export type BatchReply<Row> =
  | { kind: 'rows'; rows: ReadonlyMap<string, Row> }
  /** The call took more than it may: fewer IDs may be served. */
  | { kind: 'too_big'; detail: string }
  | Failure;

/** What a batch needs: the call, and what to do with its rows. */
export interface BatchDeps<Row> {
  /** Names the calls in messages. */
  subject: string;
  mostIds: number;
  lookUp: LookUp;
  call: (ids: readonly string[], token: string, signal: AbortSignal) => Promise<BatchReply<Row>>;
  /** Whether a call waits a moment for more IDs; it does not when left out. */
  gathers?: () => boolean;
  /** IDs that will be asked for soon, for a call that has room: `most` at most, and none of `ids`. */
  more?: (ids: ReadonlySet<string>, most: number) => Promise<readonly string[]>;
  /** The answer for an ID that was asked for and has no row. */
  missing: (id: string) => LookUpFailure;
  /** Stores a row before the answers are given, so that later alerts find it. */
  keep?: (id: string, row: Row) => Promise<void>;
}

/** Longest time of a call (ms); then it has failed for all its IDs. */
const LONGEST_CALL_MS = 100_000;
/** A call that is not full is made when no ID has come for this long, or this long after the first (ms). */
const QUIET_MS = 300;
const LONGEST_GATHERING_MS = 3_000;

/** The earliest place first: a call goes as early as any of its waiters may. */
const PLACES: readonly CallRequest['place'][] = ['turn', 'first', 'urgent', 'last'];

interface Waiter<Row> {
  id: string;
  place: CallRequest['place'];
  answer: (answer: BatchAnswer<Row>) => void;
  fail: (error: unknown) => void;
}

/** What a call has brought for each ID it was about. */
type Answers<Row> = (id: string) => BatchAnswer<Row>;

/**
 * Creates a batch for one kind of call.
 * @example
 * const machines = createBatch({ subject: 'machines', mostIds: 30, lookUp, call, missing });
 * const answer = await machines.ask(machineId, 'last', signal);
 * // One call for all IDs that were asked for meanwhile: { kind: 'row', row } or a failure.
 */
export function createBatch<Row>(deps: BatchDeps<Row>): Batch<Row> {
  const { subject, mostIds, lookUp, gathers = () => false, more, missing, keep } = deps;
  let waiting: Waiter<Row>[] = [];
  /** The waiters of the call under way; a request for one of its IDs joins them. Undefined until the call is made. */
  let served: Waiter<Row>[] | undefined;
  let isAsking = false;
  /** Is called for each ID that comes while a call waits for more. */
  let onCome: () => void = () => undefined;
  /** Ends the wait for the slot of a call that nothing waits for any more. */
  let abandonment = new AbortController();

  async function askAll(): Promise<void> {
    isAsking = true;
    try {
      while (waiting.length > 0) {
        if (gathers()) {
          await gather();
        }
        if (waiting.length > 0) {
          await askOnce();
        }
      }
    } finally {
      isAsking = false;
    }
  }

  async function gather(): Promise<void> {
    const end = performance.now() + LONGEST_GATHERING_MS;
    let hasCome = true;
    while (hasCome && idsOf(waiting).size < mostIds && performance.now() < end) {
      const { promise, resolve } = Promise.withResolvers<boolean>();
      onCome = () => resolve(true);
      hasCome = await withinTime(promise, QUIET_MS, () => false);
    }
  }

  /**
   * Makes one call. It takes the waiters when the call is made, because more may come while the call waits for its
   * slot.
   */
  async function askOnce(): Promise<void> {
    const place = PLACES.find((earliest) => waiting.some((waiter) => waiter.place === earliest)) ?? 'last';
    abandonment = new AbortController();
    const { signal } = abandonment;
    try {
      const answers = await withinTime<Answers<Row>>(
        askAbout(takeWaiting, place, AbortSignal.any([signal, AbortSignal.timeout(LONGEST_CALL_MS)])),
        LONGEST_CALL_MS * 1.2,
        () => () => ({ kind: 'unavailable', detail: `${subject} gave no answer in time` }),
      );
      if (signal.aborted) {
        return;
      }
      takeServed().forEach((waiter, index) => {
        const answer = answers(waiter.id);
        // One turn was promised, for one call: a single submission redeems it for all.
        waiter.answer(
          answer.kind === 'wait' && answer.inLine && index > 0 ? { ...answer, inLine: false } : answer,
        );
      });
    } catch (error) {
      for (const waiter of takeServed()) {
        waiter.fail(error);
      }
    }
  }

  /** Takes the waiters that one call can serve. */
  async function takeWaiting(): Promise<Asked> {
    const ids = new Set([...idsOf(waiting)].slice(0, mostIds));
    served = waiting.filter(({ id }) => ids.has(id));
    waiting = waiting.filter(({ id }) => !ids.has(id));
    const room = mostIds - ids.size;
    const added = room > 0 && more !== undefined ? await more(ids, room) : [];
    return { ids: [...ids], added };
  }

  /** Takes the waiters of this round: those of the call, or all when no call was made. */
  function takeServed(): Waiter<Row>[] {
    const all = served ?? waiting;
    if (served === undefined) {
      waiting = [];
    }
    served = undefined;
    return all;
  }

  /** @param take Says what the call is about, when it is made. */
  async function askAbout(
    take: () => Promise<Asked>,
    place: CallRequest['place'],
    signal: AbortSignal,
  ): Promise<Answers<Row>> {
    let asked: Asked | undefined;
    const call = async (token: string) => {
      asked ??= await take();
      return deps.call([...asked.ids, ...asked.added], token, signal);
    };
    const reply = await lookUp<BatchReply<Row>>({ alertId: undefined, place, call }, signal);
    const { ids, added } = asked ?? { ids: [], added: [] };
    if (reply.kind === 'rows') {
      const { rows } = reply;
      await Promise.all([...ids, ...added].map((id) => keepRow(id, rows.get(id))));
      return (id) => answerFor(id, rows);
    }
    const isTooMuch =
      reply.kind === 'too_big' ||
      (take === takeWaiting && reply.kind === 'unavailable' && MAY_BE_TOO_LONG.test(reply.detail));
    if (isTooMuch && ids.length + added.length > 1) {
      const middle = added.length > 0 ? ids.length : Math.ceil(ids.length / 2);
      const first = await askAbout(only(ids.slice(0, middle)), 'first', signal);
      const isFirst = new Set(ids.slice(0, middle));
      const rest = ids.slice(middle);
      const second = rest.length > 0 ? await askAbout(only(rest), 'first', signal) : first;
      return (id) => (isFirst.has(id) ? first : second)(id);
    }
    return () => failureOf(reply);
  }

  async function keepRow(id: string, row: Row | undefined): Promise<void> {
    if (row !== undefined) {
      await keep?.(id, row);
    }
  }

  function answerFor(id: string, rows: ReadonlyMap<string, Row>): BatchAnswer<Row> {
    const row = rows.get(id);
    return row === undefined ? missing(id) : { kind: 'row', row };
  }

  return {
    ask(id, place, signal) {
      return new Promise<BatchAnswer<Row>>((resolve, reject) => {
        const leave = () => {
          waiting = waiting.filter((other) => other !== waiter);
          served = served?.filter((other) => other !== waiter);
          if (served === undefined && waiting.length === 0) {
            abandonment.abort();
          }
          resolve({ kind: 'interrupted', detail: 'the time of this run was up' });
        };
        const waiter: Waiter<Row> = {
          id,
          place,
          answer: (answer) => {
            signal.removeEventListener('abort', leave);
            resolve(answer);
          },
          fail: (error) => {
            signal.removeEventListener('abort', leave);
            reject(error);
          },
        };
        if (signal.aborted) {
          leave();
          return;
        }
        signal.addEventListener('abort', leave, { once: true });
        const isServed = served?.some((other) => other.id === id);
        (isServed ? served : waiting)?.push(waiter);
        onCome();
        if (!isAsking) {
          void askAll();
        }
      });
    },
  };
}

/** What a call is about: the IDs that are waited for, and those that were added to fill it. */
interface Asked {
  ids: readonly string[];
  added: readonly string[];
}

function only(ids: readonly string[]): () => Promise<Asked> {
  return async () => ({ ids, added: [] });
}

function idsOf(waiters: readonly { id: string }[]): Set<string> {
  return new Set(waiters.map(({ id }) => id));
}

/** The answer of a call that brought no rows. */
function failureOf<Row>(reply: Exclude<BatchReply<Row> | LookUpFailure, { kind: 'rows' }>): LookUpFailure {
  return reply.kind === 'too_big' ? { kind: 'unusable', detail: reply.detail } : (reply as LookUpFailure);
}

/** A query that takes too long fails with 500 or 504, without saying why. */
const MAY_BE_TOO_LONG = /answered 50[04]\b/;
