import { expect, test } from 'vitest';
import { entityTagOf, isKnown } from '#shared/http/response.ts';

test('the same body has the same tag, another body another', () => {
  expect(entityTagOf('a')).toBe(entityTagOf('a'));
  expect(entityTagOf('a')).not.toBe(entityTagOf('b'));
  expect(entityTagOf('')).toMatch(/^"[\w-]{27}"$/);
});

test.each([
  [null, false],
  ['"a"', true],
  ['W/"a"', true],
  ['"b", "a"', true],
  ['*', true],
  ['"b"', false],
  ['a', false],
  ['', false],
])('with If-None-Match %j the caller has "a": %s', (header, known) => {
  expect(isKnown('"a"', header)).toBe(known);
});
