import { expect, test } from 'vitest';
import { quote, textOf } from '#shared/intake/jsonText.ts';
import { isAlertId } from '#shared/intake/submission.ts';

test('a value is quoted without a look at what is not shown of it', () => {
  const list: unknown[] = Array.from({ length: 2_000 }, (_, index) => index);
  Object.defineProperty(list, 1_000, {
    get() {
      throw new Error('read too far');
    },
  });
  expect(quote({ list })).toMatch(/^\{"list":\[0,1,2,.*…$/);
});

test('what is nested too deep for JSON.stringify has the same text', () => {
  const levels = 20_000;
  const text = `${'{"a":['.repeat(levels)}1${']}'.repeat(levels)}`;
  expect(textOf(JSON.parse(text))).toBe(text);
});

test.each(['da637.1', 'da637_1.', '.da637', 'da637/1', 'da637%2e'])('%s is no alert ID', (text) => {
  expect(isAlertId(text)).toBe(false);
});
