import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { INITIAL_STATE, type SourceState, stateAfter } from '#shared/sources/auto/sourceState.ts';
import type { ApiSign } from '#shared/sources/lookUp.ts';

const start = Date.parse('2027-02-01T00:00:00Z');
const serves = (alertId: string | undefined = 'alert-1'): ApiSign => ({ kind: 'serves', alertId });
const unknown = (alertId: string): ApiSign => ({ kind: 'unknown', alertId });
const refused: ApiSign = { kind: 'gone', detail: 'answered 403', isDefinite: false };
const retired: ApiSign = { kind: 'gone', detail: 'answered 410', isDefinite: true };

/** The state after these signs, each so many seconds after the start. */
function stateFrom(signs: readonly [second: number, sign: ApiSign][], from = INITIAL_STATE): SourceState {
  return signs.reduce(
    (state, [second, sign]) => stateAfter(state, sign, new Date(start + second * 1_000), 60_000),
    from,
  );
}

describe('the Defender API is gone', () => {
  test.each([
    ['says so itself, even where it has never served', [], retired],
    ['refuses an app that has the role', [[0, serves()]], refused],
    ['does not know an alert that it knew', [[0, serves()]], unknown('alert-1')],
  ] as [string, [number, ApiSign][], ApiSign][])('when it %s', (_, before, sign) => {
    const twice = stateFrom([...before, [100, sign], [130, sign]]);
    expect(twice).toMatchObject({ mode: 'defender', doubt: { signs: 2 } });
    expect(stateFrom([[159, sign]], twice).mode).toBe('defender');
    expect(stateFrom([[160, sign]], twice)).toMatchObject({
      mode: 'graph',
      detail: expect.any(String),
      nextProbeAt: new Date(start + 160_000 + 3_600_000),
    });
  });

  test('not before several signs, however long they span', () => {
    expect(
      stateFrom([
        [0, serves()],
        [10, refused],
        [9_000, refused],
      ]).mode,
    ).toBe('defender');
  });

  test('not when it served in between', () => {
    const signs: [number, ApiSign][] = [
      [0, serves()],
      [10, refused],
      [50, refused],
      [60, serves('alert-2')],
      [80, refused],
      [100, refused],
    ];
    expect(stateFrom(signs)).toMatchObject({ mode: 'defender', doubt: { signs: 2 }, canary: 'alert-2' });
  });

  test('not for alerts that were never known, nor for refusals where it has never served', () => {
    const never = Array.from({ length: 20 }, (_, index): [number, ApiSign] => [
      index * 60,
      unknown(`x-${index}`),
    ]);
    expect(stateFrom([[0, serves()], ...never])).toMatchObject({ mode: 'defender', doubt: null });
    const refusals = Array.from({ length: 20 }, (_, index): [number, ApiSign] => [index * 60, refused]);
    expect(stateFrom(refusals)).toBe(INITIAL_STATE);
  });
});

test('one answer of the Defender API brings it back', () => {
  const graph = stateFrom([
    [0, retired],
    [60, retired],
    [120, retired],
  ]);
  expect(graph.mode).toBe('graph');
  expect(
    stateFrom(
      [
        [4_000, refused],
        [4_001, unknown('x')],
      ],
      graph,
    ),
  ).toBe(graph);
  expect(stateFrom([[4_000, serves('alert-9')]], graph)).toEqual({
    mode: 'defender',
    canary: 'alert-9',
    provedAt: new Date(start + 4_000_000),
    doubt: null,
  });
});

test('a list that is answered proves service too, and is no alert to ask about', () => {
  const list: ApiSign = { kind: 'serves', alertId: undefined };
  expect(stateFrom([[0, list]])).toMatchObject({ mode: 'defender', canary: null, provedAt: new Date(start) });
  const proved = stateFrom([
    [0, serves('a')],
    [600, list],
  ]);
  expect(proved).toMatchObject({ canary: 'a', provedAt: new Date(start + 600_000) });
});

test('a proof is written once in ten minutes', () => {
  const proved = stateFrom([[0, serves('a')]]);
  expect(stateFrom([[599, serves('b')]], proved)).toBe(proved);
  expect(stateFrom([[600, serves('b')]], proved)).toMatchObject({ canary: 'b' });
});

test('whatever comes, Graph takes over only after three signs in a row over a minute', () => {
  const sign = fc.oneof(
    fc.constant(serves('alert-1')),
    fc.constant(refused),
    fc.constant(retired),
    fc.constantFrom(unknown('alert-1'), unknown('other')),
  );
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.integer({ min: 0, max: 90 }), sign), { maxLength: 60 }), (steps) => {
      let state = INITIAL_STATE;
      let second = 0;
      let doubtful: number[] = [];
      for (const [wait, next] of steps) {
        second += wait;
        const before = state;
        state = stateAfter(state, next, new Date(start + second * 1_000), 60_000);
        if (next.kind === 'serves') {
          doubtful = [];
          expect(state.mode).toBe('defender');
        } else if (next.kind === 'gone' || next.alertId === 'alert-1') {
          doubtful.push(second);
        }
        if (before.mode === 'defender' && state.mode === 'graph') {
          expect(doubtful.length).toBeGreaterThanOrEqual(3);
          expect(second - (doubtful[0] ?? 0)).toBeGreaterThanOrEqual(60);
        }
      }
    }),
  );
});
