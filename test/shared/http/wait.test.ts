import { expect, test } from 'vitest';
import { endOfWait, readWait } from '#shared/http/request.ts';

test.each([
  [null, undefined],
  ['0', 0],
  ['30', 30],
  ['100', 100],
])('%j is %s seconds', (text, value) => {
  expect(readWait(text)).toEqual({ ok: true, value });
});

test.each(['', ' 1', '1.5', '-1', '+1', '1e1', '101', '1000', 'NaN', '0x1', '1,2', '٣'])(
  '%j is malformed',
  (text) => {
    expect(readWait(text)).toMatchObject({ ok: false, error: { problem: 'malformed-wait' } });
  },
);

test('who waits no time is told at once that it is over', () => {
  expect([endOfWait(), endOfWait(0), endOfWait(1)].map(({ aborted }) => aborted)).toEqual([
    true,
    true,
    false,
  ]);
});
