import { expect, test } from 'vitest';
import { negotiate } from '#shared/http/contentNegotiation.ts';

const offered = ['application/json', 'text/markdown', 'text/html'] as const;

test.each([
  [null, 'application/json'],
  ['', 'application/json'],
  ['*/*', 'application/json'],
  ['text/*', 'text/markdown'],
  ['text/html', 'text/html'],
  ['TEXT/HTML; charset=utf-8', 'text/html'],
  ['text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8', 'text/html'],
  ['text/html;q=0.5, text/markdown;q=0.6', 'text/markdown'],
  ['application/json;q=0, */*', 'text/markdown'],
  ['text/*;q=0, */*;q=0.1', 'application/json'],
  ['text/*;q=0.2, text/html;q=0.3', 'text/html'],
  ['*/*;q=0.1, text/html;q=0', 'application/json'],
  ['image/png', undefined],
  ['*/*;q=0', undefined],
  ['application/json;q=0.000', undefined],
  ['application/json;q=2', undefined],
  ['nonsense, text/html', 'text/html'],
  ['nonsense', undefined],
  ['*/json', undefined],
])('for %j the answer is %s', (accept, type) => {
  expect(negotiate(accept, offered)).toBe(type);
});
