import { afterEach, expect, test, vi } from 'vitest';
import { FUNCTION_DEADLINE_MS } from '#shared/config/timingSettings.ts';
import { problemSchema } from '#shared/http/contract.ts';
import { endpoint, type Respond } from '#shared/http/endpoint.ts';
import { invoke } from './invocation.ts';

afterEach(() => {
  vi.useRealTimers();
});

const fine: Respond = async () => ({ status: 200, headers: {}, body: 'fine' });
const open = { methods: ['GET', 'HEAD'], authorization: 'none' } as const;

function failing(error: unknown): Respond {
  return () => Promise.reject(error);
}

test('an unexpected error is a problem that says nothing of it; the log does', async () => {
  const answer = await invoke(endpoint(open, failing(new TypeError('inner secret'))), 'quota');
  expect(answer.status).toBe(500);
  expect(answer.headers).toMatchObject({ 'content-type': 'application/problem+json' });
  expect(problemSchema.parse(answer.json())).toMatchObject({
    type: 'urn:defender-alert-enrichment:problem:internal-error',
    instance: 'urn:uuid:3a2f0c52-0000-4000-8000-000000000009',
  });
  expect(answer.text).not.toContain('inner secret');
  expect(answer.events).toEqual([
    { event: 'request_failed', method: 'GET', function: 'tested', detail: 'TypeError: inner secret' },
  ]);
});

test.each([
  [
    'an answer of the storage service',
    { name: 'RestError', statusCode: 503, details: { errorCode: 'ServerBusy' } },
    'the storage service answers 503 ServerBusy',
  ],
  ['no way to it', { name: 'RestError' }, 'the storage service cannot be reached'],
  ['no sign-in', { name: 'CredentialUnavailableError' }, 'there is no sign-in to the storage service'],
])('%s is 503, worth asking again', async (_what, properties, detail) => {
  const error = Object.assign(new Error('AccountKey=abc'), properties);
  const answer = await invoke(endpoint(open, failing(error)), 'quota');
  expect([answer.status, answer.headers['retry-after']]).toEqual([503, '30']);
  expect(answer.events).toMatchObject([{ detail }]);
});

test('a request that nobody answers in time is 503', async () => {
  vi.useFakeTimers();
  const answer = invoke(
    endpoint(open, () => new Promise(() => undefined)),
    'quota',
  );
  await vi.advanceTimersByTimeAsync(FUNCTION_DEADLINE_MS);
  expect((await answer).status).toBe(503);
});

test('with entra nobody comes in whom App Service Authentication has not named', async () => {
  const handler = endpoint({ methods: ['GET'], authorization: 'entra' }, fine);
  const stranger = await invoke(handler, 'quota', { method: 'DELETE' });
  expect([stranger.status, stranger.headers['www-authenticate']]).toEqual([401, 'Bearer']);
  expect((await invoke(handler, 'quota', { headers: { 'X-MS-CLIENT-PRINCIPAL-ID': ' ' } })).status).toBe(401);
  const known = await invoke(handler, 'quota', { headers: { 'X-MS-CLIENT-PRINCIPAL-ID': 'someone' } });
  expect(known.text).toBe('fine');
});

test('with key the host has asked already', async () => {
  const handler = endpoint({ methods: ['GET'], authorization: 'key' }, fine);
  expect((await invoke(handler, 'quota')).status).toBe(200);
});

test('a wrong method is told the right ones', async () => {
  const answer = await invoke(endpoint(open, fine), 'quota', { method: 'PATCH' });
  expect([answer.status, answer.headers.allow]).toEqual([405, 'GET, HEAD']);
});

test('every answer forbids guessing at its type, and HEAD has no body', async () => {
  const answer = await invoke(endpoint(open, fine), 'quota', { method: 'HEAD' });
  expect([answer.status, answer.text]).toEqual([200, undefined]);
  expect(answer.headers['x-content-type-options']).toBe('nosniff');
});
