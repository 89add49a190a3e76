import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { type BatchReply, createBatch } from '#shared/sources/batch.ts';
import type { LookUp } from '#shared/sources/lookUp.ts';

const never = new AbortController().signal;

interface Script {
  reply?: (ids: readonly string[]) => BatchReply<string>;
  more?: (ids: ReadonlySet<string>, most: number) => Promise<string[]>;
  gathers?: boolean;
  lookUp?: LookUp;
}

/** A batch of four IDs a call, before an API that has a row for each. */
function createWorld({ reply, more, gathers = false, lookUp }: Script = {}) {
  const calls: string[][] = [];
  const kept = new Map<string, string>();
  const rows = (ids: readonly string[]) => new Map(ids.map((id) => [id, `row of ${id}`]));
  const straight: LookUp = async ({ call }) => (await call('token')) as never;
  const batch = createBatch<string>({
    subject: 'rows',
    mostIds: 4,
    gathers: () => gathers,
    ...(more && { more }),
    lookUp: lookUp ?? straight,
    async call(ids) {
      calls.push([...ids]);
      return reply?.(ids) ?? { kind: 'rows', rows: rows(ids) };
    },
    missing: (id) => ({ kind: 'not_found', detail: `no ${id}` }),
    keep: async (id, row) => void kept.set(id, row),
  });
  const ask = (id: string, signal = never) => batch.ask(id, 'last', signal);
  return { calls, kept, ask };
}

describe('a batch', () => {
  test('serves all who wait with calls as full as can be, and each ID once', async () => {
    const { ask, calls, kept } = createWorld({ gathers: true });
    const answers = await Promise.all(['a', 'b', 'a', 'c', 'd', 'e'].map((id) => ask(id)));
    expect(answers.map((answer) => answer.kind === 'row' && answer.row)).toEqual(
      ['a', 'b', 'a', 'c', 'd', 'e'].map((id) => `row of ${id}`),
    );
    expect(calls).toEqual([['a', 'b', 'c', 'd'], ['e']]);
    expect([...kept.keys()]).toEqual(['a', 'b', 'c', 'd', 'e']);
  });

  test('waits for no moment where nobody would share the call', async () => {
    const { ask, calls } = createWorld();
    const answer = ask('a');
    await nextTurn();
    expect(calls).toEqual([['a']]);
    await answer;
  });

  test('takes along as many more IDs as there is room for, and keeps their rows', async () => {
    const asked: [string[], number][] = [];
    const { ask, calls, kept } = createWorld({
      more: async (ids, most) => {
        asked.push([[...ids], most]);
        return ['x', 'y'];
      },
    });
    expect(await ask('a')).toEqual({ kind: 'row', row: 'row of a' });
    expect(asked).toEqual([[['a'], 3]]);
    expect(calls).toEqual([['a', 'x', 'y']]);
    expect([...kept.keys()]).toEqual(['a', 'x', 'y']);
  });

  test('keeps no row about which it has not asked', async () => {
    const reply = (): BatchReply<string> => ({ kind: 'rows', rows: new Map([['stranger', 'row']]) });
    const { ask, kept } = createWorld({ reply });
    expect(await ask('a')).toEqual({ kind: 'not_found', detail: 'no a' });
    expect(kept.size).toBe(0);
  });

  test('whose call was too much asks again without what it took along, and then by halves', async () => {
    const { ask, calls } = createWorld({
      gathers: true,
      more: async () => ['x'],
      reply: (ids) =>
        ids.length > 2
          ? { kind: 'too_big', detail: 'too big' }
          : { kind: 'rows', rows: new Map(ids.map((id) => [id, id])) },
    });
    const answers = await Promise.all(['a', 'b', 'c'].map((id) => ask(id)));
    expect(answers.map((answer) => answer.kind === 'row' && answer.row)).toEqual(['a', 'b', 'c']);
    expect(calls).toEqual([['a', 'b', 'c', 'x'], ['a', 'b', 'c'], ['a', 'b'], ['c']]);
  });

  test('tells all who wait why there was no call, and one of them that its turn is promised', async () => {
    const until = new Date(0);
    const lookUp = (async () => ({
      kind: 'wait',
      reason: 'quota',
      until,
      inLine: true,
      detail: 'no slot',
    })) as never;
    const { ask, calls } = createWorld({ lookUp });
    const answers = await Promise.all([ask('a'), ask('b'), ask('c')]);
    expect(answers.map((answer) => answer.kind === 'wait' && answer.inLine)).toEqual([true, false, false]);
    expect(calls).toEqual([]);
  });

  test('makes no call when all have left that waited for its slot, and serves the next one', async () => {
    let slots = 0;
    const lookUp: LookUp = async ({ call }, signal) => {
      slots += 1;
      if (slots === 1) {
        await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
        return {
          kind: 'wait',
          reason: 'quota',
          until: new Date(0),
          inLine: false,
          detail: 'no slot',
        } as never;
      }
      return (await call('token')) as never;
    };
    const { ask, calls } = createWorld({ lookUp });
    const deadline = new AbortController();
    const first = ask('a', deadline.signal);
    await nextTurn();
    deadline.abort();
    expect(await first).toMatchObject({ kind: 'interrupted' });
    expect(await ask('b')).toEqual({ kind: 'row', row: 'row of b' });
    expect(calls).toEqual([['b']]);
  });

  test('gives nobody the answer of a call that others left before it came', async () => {
    const goOn = Promise.withResolvers<void>();
    const lookUp: LookUp = async ({ call }) => {
      const reply = (await call('token')) as never;
      await goOn.promise;
      return reply;
    };
    const { ask, calls } = createWorld({ lookUp });
    const leaving = new AbortController();
    const left = ask('a', leaving.signal);
    await expect.poll(() => calls).toEqual([['a']]);
    const stays = ask('b');
    leaving.abort();
    goOn.resolve();
    expect(await left).toMatchObject({ kind: 'interrupted' });
    expect(await stays).toEqual({ kind: 'row', row: 'row of b' });
  });

  test('tells an error of our own storage to those who wait, and serves the next ones', async () => {
    let fails = true;
    const lookUp = (async ({ call }: { call: (token: string) => Promise<unknown> }) => {
      if (fails) {
        throw new Error('storage is down');
      }
      return call('token');
    }) as never;
    const { ask } = createWorld({ lookUp });
    await expect(ask('a')).rejects.toThrow('storage is down');
    fails = false;
    expect(await ask('a')).toMatchObject({ kind: 'row' });
  });
});
