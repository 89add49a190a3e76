import { withinTime } from '../../promises.ts';
import type { CallRequest } from '../../quota/callGate.ts';
import type { LookUp, LookUpFailure } from '../lookUp.ts';
import type { GraphClient } from './graphClient.ts';
import type { HuntingReply } from './graphReply.ts';
import type { HuntingRequest } from './huntingQuery.ts';
import type { HuntingRow } from './huntingRow.ts';

/** What hunting says about one ID. */
export type HuntingAnswer = { kind: 'row'; row: HuntingRow } | LookUpFailure;

/** Asks hunting about IDs: those that are asked for while a call is under way, or waits for its slot, share the next one. */
export interface Hunting {
  ask(id: string, place: CallRequest['place'], signal: AbortSignal): Promise<HuntingAnswer>;
}

export interface HuntingDeps {
  client: Pick<GraphClient, 'hunt'>;
  lookUp: LookUp;
  /** The query about these IDs; its answer has a row for each, with the ID as `RequestId`. */
  queryFor: (ids: readonly string[]) => HuntingRequest;
  /** Keeps a row before anyone is answered, so that who comes later finds it. */
  keep?: (id: string, row: HuntingRow) => Promise<void>;
}

/** About 9 KB of IDs; the service documents no limit for the text of a query. */
const MOST_IDS = 100;
/** A call that takes longer has failed for those who wait for it. */
const LONGEST_CALL_MS = 100_000;

interface Waiter {
  id: string;
  place: CallRequest['place'];
  answer: (answer: HuntingAnswer) => void;
  fail: (error: unknown) => void;
}

export function createHunting({ client, lookUp, queryFor, keep }: HuntingDeps): Hunting {
  let waiting: Waiter[] = [];
  /** Those whom the call under way serves; who asks for the same ID meanwhile joins them. */
  let served: Waiter[] = [];
  let isAsking = false;

  async function askAll(): Promise<void> {
    isAsking = true;
    try {
      while (waiting.length > 0) {
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
        if (ids.size < MOST_IDS) {
          ids.add(id);
        }
      }
      served = waiting.filter(({ id }) => ids.has(id));
      waiting = waiting.filter(({ id }) => !ids.has(id));
      return [...ids];
    };
    const place = waiting.some((waiter) => waiter.place === 'turn') ? 'turn' : (waiting[0]?.place ?? 'last');
    try {
      const answers = await withinTime(
        askFor(undefined, place, takeBatch, AbortSignal.timeout(LONGEST_CALL_MS)),
        LONGEST_CALL_MS * 1.2,
        () => new Map<string, HuntingAnswer>(),
      );
      await keepRows(answers);
      // Without a call nobody was taken from the line: all hear why there was none.
      takeServed().forEach((waiter, index) => {
        const answer = answers.get(waiter.id) ?? answers.get(EVERYBODY) ?? noAnswer;
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

  function takeServed(): Waiter[] {
    const all = served.length > 0 ? served : waiting;
    if (all === waiting) {
      waiting = [];
    }
    served = [];
    return all;
  }

  async function keepRows(answers: ReadonlyMap<string, HuntingAnswer>): Promise<void> {
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
  ): Promise<Map<string, HuntingAnswer>> {
    let asked = ids;
    const call = (token: string) => {
      asked ??= takeBatch();
      return client.hunt(queryFor(asked), token, signal);
    };
    const reply = await lookUp<HuntingReply>({ subject: 'hunting', place, call }, signal);
    const all = asked ?? [];
    if (reply.kind === 'rows') {
      return answersOf(all, reply.rows);
    }
    const isTooMuch =
      reply.kind === 'too_big' ||
      (reply.kind === 'unavailable' && ids === undefined && MAY_BE_TOO_LONG.test(reply.detail));
    if (isTooMuch && all.length > 1) {
      const middle = Math.ceil(all.length / 2);
      const halves = [all.slice(0, middle), all.slice(middle)];
      const answers = new Map<string, HuntingAnswer>();
      for (const half of halves) {
        const part = await askFor(half, 'first', takeBatch, signal);
        for (const id of half) {
          answers.set(id, part.get(id) ?? part.get(EVERYBODY) ?? noAnswer);
        }
      }
      return answers;
    }
    return new Map([[EVERYBODY, failureOf(reply)]]);
  }

  return {
    ask(id, place, signal) {
      return new Promise<HuntingAnswer>((resolve, reject) => {
        const leave = () => {
          waiting = waiting.filter((other) => other !== waiter);
          served = served.filter((other) => other !== waiter);
          resolve({ kind: 'interrupted', detail: 'the time of this run was up' });
        };
        const waiter: Waiter = {
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

function failureOf(reply: Exclude<HuntingReply | LookUpFailure, { kind: 'rows' }>): HuntingAnswer {
  return reply.kind === 'too_big' ? { kind: 'unusable', detail: reply.detail } : (reply as LookUpFailure);
}

/** The service fails so for queries that take too long, and says nothing. */
const MAY_BE_TOO_LONG = /answered 50[04]\b/;

/** Stands for every ID of a call that brought one answer for all. It is no ID. */
const EVERYBODY = '*';
const noAnswer: HuntingAnswer = { kind: 'unavailable', detail: 'hunting gave no answer in time' };

/** An ID without a row means that the answer is broken, not that there is nothing to know. */
function answersOf(ids: readonly string[], rows: readonly HuntingRow[]): Map<string, HuntingAnswer> {
  const byId = new Map(rows.map((row) => [row.get('requestid') ?? '', row]));
  return new Map(
    ids.map((id): [string, HuntingAnswer] => {
      const row = byId.get(id);
      return [
        id,
        row === undefined
          ? { kind: 'unusable', detail: `hunting answered without a row for ${id}` }
          : { kind: 'row', row },
      ];
    }),
  );
}
