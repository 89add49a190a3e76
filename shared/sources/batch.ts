import { setTimeout as delay } from 'node:timers/promises';
import { withinTime } from '../promises.ts';
import type { CallRequest } from '../quota/callGate.ts';
import type { Failure } from './apiReply.ts';
import type { LookUp, LookUpFailure } from './lookUp.ts';

/** What a batch says about one ID. */
export type BatchAnswer<Row> = { kind: 'row'; row: Row } | LookUpFailure;

/** Asks about IDs: those that are asked for while a call is under way, or waits for its slot, share the next one. */
export interface Batch<Row> {
  ask(id: string, place: CallRequest['place'], signal: AbortSignal): Promise<BatchAnswer<Row>>;
}

/** What an API says about several IDs at once. */
export type BatchReply<Row> =
  | { kind: 'rows'; rows: ReadonlyMap<string, Row> }
  /** The call took more than it may: fewer IDs may be served. */
  | { kind: 'too_big'; detail: string }
  | Failure;

export interface BatchDeps<Row> {
  /** Names the calls for the log and for scripts of faults. */
  subject: string;
  mostIds: number;
  lookUp: LookUp;
  call: (ids: readonly string[], token: string, signal: AbortSignal) => Promise<BatchReply<Row>>;
  /** How long a call waits for others that would share it, in milliseconds; not at all when left out. */
  gatherMs?: () => number;
  /** The answer for an ID that was asked for and has no row. */
  missing: (id: string) => LookUpFailure;
  /** Keeps a row before anyone is answered, so that who comes later finds it. */
  keep?: (id: string, row: Row) => Promise<void>;
}

/** A call that takes longer has failed for those who wait for it. */
const LONGEST_CALL_MS = 100_000;

/** The earliest first: a call goes as early as any of those who share it may. */
const PLACES: readonly CallRequest['place'][] = ['turn', 'first', 'urgent', 'last'];

interface Waiter<Row> {
  id: string;
  place: CallRequest['place'];
  answer: (answer: BatchAnswer<Row>) => void;
  fail: (error: unknown) => void;
}

export function createBatch<Row>({
  subject,
  mostIds,
  lookUp,
  call: callFor,
  gatherMs = () => 0,
  missing,
  keep,
}: BatchDeps<Row>): Batch<Row> {
  let waiting: Waiter<Row>[] = [];
  /** Those whom the call under way serves; who asks for the same ID meanwhile joins them. */
  let served: Waiter<Row>[] = [];
  let isAsking = false;

  async function askAll(): Promise<void> {
    isAsking = true;
    try {
      while (waiting.length > 0) {
        await delay(gatherMs());
        await askOnce();
      }
    } finally {
      isAsking = false;
    }
  }

  /** One call for all who wait when it is made, and not when its slot is asked for. */
  async function askOnce(): Promise<void> {
    const takeBatch = () => {
      const ids = new Set<string>();
      for (const { id } of waiting) {
        if (ids.size < mostIds) {
          ids.add(id);
        }
      }
      served = waiting.filter(({ id }) => ids.has(id));
      waiting = waiting.filter(({ id }) => !ids.has(id));
      return [...ids];
    };
    const place = PLACES.find((earliest) => waiting.some((waiter) => waiter.place === earliest)) ?? 'last';
    try {
      const answers = await withinTime(
        askFor(undefined, place, takeBatch, AbortSignal.timeout(LONGEST_CALL_MS)),
        LONGEST_CALL_MS * 1.2,
        () => new Map<string, BatchAnswer<Row>>(),
      );
      await keepRows(answers);
      // Without a call nobody was taken from the line: all hear why there was none.
      takeServed().forEach((waiter, index) => {
        const answer = answers.get(waiter.id) ?? answers.get(EVERYBODY) ?? noAnswer(subject);
        // One turn was promised, for one call: a single submission redeems it for all.
        waiter.answer(
          answer.kind === 'throttled' && answer.inLine && index > 0 ? { ...answer, inLine: false } : answer,
        );
      });
    } catch (error) {
      for (const waiter of takeServed()) {
        waiter.fail(error);
      }
    }
  }

  function takeServed(): Waiter<Row>[] {
    const all = served.length > 0 ? served : waiting;
    if (all === waiting) {
      waiting = [];
    }
    served = [];
    return all;
  }

  async function keepRows(answers: ReadonlyMap<string, BatchAnswer<Row>>): Promise<void> {
    const rows = [...answers].flatMap(([id, answer]) =>
      answer.kind === 'row' ? [{ id, row: answer.row }] : [],
    );
    await Promise.all(rows.map(({ id, row }) => keep?.(id, row)));
  }

  /**
   * @param ids Undefined: those that `takeBatch` says when the call is made.
   * @returns The answer of each ID, or one for all under `EVERYBODY`.
   */
  async function askFor(
    ids: readonly string[] | undefined,
    place: CallRequest['place'],
    takeBatch: () => string[],
    signal: AbortSignal,
  ): Promise<Map<string, BatchAnswer<Row>>> {
    let asked = ids;
    const call = (token: string) => {
      asked ??= takeBatch();
      return callFor(asked, token, signal);
    };
    const reply = await lookUp<BatchReply<Row>>({ subject, place, call }, signal);
    const all = asked ?? [];
    if (reply.kind === 'rows') {
      return answersOf(all, reply.rows, missing);
    }
    const isTooMuch =
      reply.kind === 'too_big' ||
      (reply.kind === 'unavailable' && ids === undefined && MAY_BE_TOO_LONG.test(reply.detail));
    if (isTooMuch && all.length > 1) {
      const middle = Math.ceil(all.length / 2);
      const halves = [all.slice(0, middle), all.slice(middle)];
      const answers = new Map<string, BatchAnswer<Row>>();
      for (const half of halves) {
        const part = await askFor(half, 'first', takeBatch, signal);
        for (const id of half) {
          answers.set(id, part.get(id) ?? part.get(EVERYBODY) ?? noAnswer(subject));
        }
      }
      return answers;
    }
    return new Map([[EVERYBODY, failureOf(reply)]]);
  }

  return {
    ask(id, place, signal) {
      return new Promise<BatchAnswer<Row>>((resolve, reject) => {
        const leave = () => {
          waiting = waiting.filter((other) => other !== waiter);
          served = served.filter((other) => other !== waiter);
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
        (served.some((other) => other.id === id) ? served : waiting).push(waiter);
        if (!isAsking) {
          void askAll();
        }
      });
    },
  };
}

/** Never `rows`: what brought no rows, for those who asked. */
function failureOf<Row>(reply: Exclude<BatchReply<Row> | LookUpFailure, { kind: 'rows' }>): LookUpFailure {
  return reply.kind === 'too_big' ? { kind: 'unusable', detail: reply.detail } : (reply as LookUpFailure);
}

/** The service fails so for queries that take too long, and says nothing. */
const MAY_BE_TOO_LONG = /answered 50[04]\b/;

/** Stands for every ID of a call that brought one answer for all. It is no ID. */
const EVERYBODY = '*';

function noAnswer(subject: string): LookUpFailure {
  return { kind: 'unavailable', detail: `${subject} gave no answer in time` };
}

function answersOf<Row>(
  ids: readonly string[],
  rows: ReadonlyMap<string, Row>,
  missing: (id: string) => LookUpFailure,
): Map<string, BatchAnswer<Row>> {
  return new Map(
    ids.map((id): [string, BatchAnswer<Row>] => {
      const row = rows.get(id);
      return [id, row === undefined ? missing(id) : { kind: 'row', row }];
    }),
  );
}
