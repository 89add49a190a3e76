import { expect, test } from 'vitest';
import { ageInWords, columns, counted, printable, shortened } from '#shared/text.ts';

test('Columns are as wide as what is seen of their cells', () => {
  expect(
    columns([
      ['A', 'B'],
      ['\u001b[31mlong\u001b[39m', 'x'],
    ]),
  ).toEqual(['A     B', '\u001b[31mlong\u001b[39m  x']);
});

test('Words for people', () => {
  expect(counted(1, 'alert')).toBe('1 alert');
  expect(counted(1_500, 'alert')).toBe('1,500 alerts');
  expect([5, 120, 7_200, 200_000].map(ageInWords)).toEqual(['5 s', '2 min', '2 h', '2 d']);
  expect(shortened('abcdefghijklmnopqrstuvwxyz', 10)).toBe('abcdef…xyz');
  expect(shortened('short', 10)).toBe('short');
  expect(printable('a\u001b[31mb\nc')).toBe('ab·c');
});
