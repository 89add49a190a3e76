import { expect, test } from 'vitest';
import { openApiDocument } from '#dev/openapi/document.ts';
import { mismatchesOf } from '#test/support/fuzz/conformance.ts';
import { documentValidator } from '#test/support/fuzz/documentValidator.ts';
import type { FuzzRequest, FuzzResponse } from '#test/support/fuzz/fuzzRequest.ts';

const document = await openApiDocument();
const validator = documentValidator(document);

const request: FuzzRequest = {
  method: 'GET',
  target: '/api/enrichments/da1?wait=1',
  headers: {},
  isValid: true,
};
const pending = { alertId: 'da1', status: 'pending', retryAfterSeconds: 5 };
const response: FuzzResponse = {
  status: 202,
  headers: {
    'content-type': 'application/json',
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    'retry-after': '5',
    vary: 'Accept',
  },
  text: JSON.stringify(pending),
};
const { 'retry-after': _, ...withoutRetryAfter } = response.headers;

function mismatches(changes: Partial<FuzzResponse>, changedRequest: Partial<FuzzRequest> = {}): string[] {
  return mismatchesOf(document, validator, { ...request, ...changedRequest }, { ...response, ...changes });
}

test('an answer that keeps to the document has no mismatch', () => {
  expect(mismatches({})).toEqual([]);
  expect(mismatches({ text: '' }, { method: 'HEAD' })).toEqual([]);
  expect(mismatches({ status: 404, headers: {}, text: '' }, { target: '/api/enrichments/%zz' })).toEqual([]);
});

test.each<[string, Partial<FuzzResponse>, Partial<FuzzRequest>]>([
  ['a fault of the server', { status: 500 }, {}],
  ['a storage service that is said to be down', { status: 503 }, {}],
  ['a status that is not described', { status: 204 }, {}],
  ['a header that is missing', { headers: withoutRetryAfter }, {}],
  ['a header with another value', { headers: { ...response.headers, 'retry-after': 'soon' } }, {}],
  ['another media type', { headers: { ...response.headers, 'content-type': 'text/plain' } }, {}],
  ['no JSON', { text: '{' }, {}],
  ['no body', { text: '' }, {}],
  ['a body where there should be none', {}, { method: 'HEAD' }],
  ['a property that is missing', { text: JSON.stringify({ ...pending, status: undefined }) }, {}],
  ['a property that is not described', { text: JSON.stringify({ ...pending, place: 3 }) }, {}],
  ['a method that should be refused', {}, { method: 'DELETE' }],
  ['a bad wait that is taken', {}, { target: '/api/enrichments/da1?wait=101', isValid: false }],
  ['an unknown path that is found', {}, { target: '/api/other', method: 'POST' }],
  ['a known path that is not found', { status: 404, headers: {}, text: '' }, {}],
])('%s is a mismatch', (_what, changes, changedRequest) => {
  expect(mismatches(changes, changedRequest)).not.toEqual([]);
});

test('a valid request that is refused is a mismatch, a broken one is not', () => {
  const problem = { type: 'x', title: 'x', status: 400, detail: 'x', instance: 'x' };
  const headers = { ...response.headers, 'content-type': 'application/problem+json' };
  const refused = { status: 400, headers, text: JSON.stringify(problem) };
  expect(mismatches(refused)).not.toEqual([]);
  expect(mismatches(refused, { isValid: false })).toEqual([]);
});
