import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readListReply, readMachinesReply, readReply } from '#shared/sources/defender/reply.ts';

const now = new Date('2026-11-23T12:00:00Z');
const machine = { id: 'abc', computerDnsName: 'lt-7', rbacGroupId: '140', somethingNew: [1] };

function reply(status: number, body: unknown, retryAfter?: string) {
  return readReply({ status, retryAfter, body: typeof body === 'string' ? body : JSON.stringify(body) }, now);
}

function errorBody(code: string, message: string, target?: string) {
  return { error: { code, message, ...(target !== undefined && { target }) } };
}

describe('a response with status 200', () => {
  test('is a machine as received, unknown properties included', () => {
    expect(reply(200, machine)).toEqual({ kind: 'machine', machine });
  });

  test.each([
    ['an empty body', '', /no JSON/],
    ['a page', '<!DOCTYPE html><title>Sign in</title>', /no JSON/],
    ['half a machine', '{"id":"abc","computerDns', /no JSON/],
    ['an error', errorBody('InternalServerError', 'Try again.'), /InternalServerError: Try again\./],
  ])('is no answer when its body is %s, which may pass', (_, body, detail) => {
    expect(reply(200, body)).toEqual({ kind: 'unavailable', detail: expect.stringMatching(detail) });
  });

  test.each([
    ['an empty object', {}, /without "id"/],
    ['a list', [machine], /a list of 1/],
    ['a list in an envelope', { value: [machine] }, /without "id"/],
    ['null', null, /null/],
    ['an empty ID', { id: ' ' }, /empty "id"/],
    ['an ID that is a number', { id: 7 }, /no text/],
  ])('is of no use when its body is %s', (_, body, detail) => {
    expect(reply(200, body)).toEqual({ kind: 'unusable', detail: expect.stringMatching(detail) });
  });

  test('is a refusal by rate when its body says so', () => {
    const body = errorBody('TooManyRequests', 'Try again in 2 minutes.');
    expect(reply(200, body)).toMatchObject({ kind: 'throttled', retryAfterMs: 120_000 });
  });
});

describe('a list', () => {
  const page = (body: unknown) =>
    readListReply({ status: 200, retryAfter: undefined, body: JSON.stringify(body) }, now);

  test.each<[string, unknown, boolean]>([
    ['a link to a next page', 'https://api.example/api/alerts?$skip=10', true],
    ['no link', undefined, false],
    ['a link that is null', null, false],
    ['a link that is empty', '', false],
    ['a link that is no text', { href: 'x' }, false],
  ])('may have %s', (_, link, hasNextLink) => {
    const body = { value: [{ id: 'a' }, 7], '@odata.nextLink': link };
    expect(page(body)).toEqual({ kind: 'list', entries: [{ id: 'a' }, 7], hasNextLink });
  });

  test('needs its envelope', () => {
    expect(page([{ id: 'a' }])).toMatchObject({
      kind: 'unusable',
      detail: expect.stringMatching(/no list/),
    });
  });
});

describe('a response with another status', () => {
  const error = errorBody('SomeCode', 'Some message.', 'tracking-1');
  const text = (status: number) =>
    `Defender answered ${status} SomeCode: Some message. (tracking ID tracking-1)`;

  test.each([
    [404, 'not_found'],
    [401, 'unauthorized'],
    [408, 'unavailable'],
    [500, 'unavailable'],
    [502, 'unavailable'],
    [503, 'unavailable'],
    [504, 'unavailable'],
    [599, 'unavailable'],
    [204, 'not_found'],
    [206, 'unavailable'],
    [302, 'unavailable'],
    [304, 'unavailable'],
  ])('%i is %s, with what Defender said about it', (status, kind) => {
    expect(reply(status, error)).toEqual({ kind, detail: text(status) });
  });

  test('403 is forbidden, by its code', () => {
    expect(reply(403, error)).toEqual({ kind: 'forbidden', code: 'SomeCode', detail: text(403) });
  });

  test.each([
    ['Out of call volume quota. Quota will be replenished in 03:30:56.', 12_656_000],
    ['Rate limit is exceeded. Try again in 2 minutes.', 120_000],
    ['API calls quota exceeded! You can send requests again in 1.5 seconds.', 1_500],
    ['Out of call volume quota. Quota will be replenished in 1.00:00:01.', 86_400_000],
  ])('403 that speaks of a quota is a refusal by rate: %s', (message, retryAfterMs) => {
    expect(reply(403, errorBody('Forbidden', message))).toMatchObject({ kind: 'throttled', retryAfterMs });
    expect(reply(403, { statusCode: 403, message })).toMatchObject({ kind: 'throttled', retryAfterMs });
  });

  test('503 says how long to wait, if it does', () => {
    expect(reply(503, error, '20')).toMatchObject({ kind: 'unavailable', retryAfterMs: 20_000 });
    expect(reply(503, error)).toMatchObject({ retryAfterMs: undefined });
  });

  test.each([
    [410, error],
    [410, '<html>Gone</html>'],
    [404, { Message: "No HTTP resource was found that matches the request URI 'https://a/b'." }],
  ])('%i with %j is the API as a whole', (status, body) => {
    expect(reply(status, body)).toMatchObject({ kind: 'retired' });
  });

  test.each(['', '<html><title>404</title></html>', '{"statusCode":404}'])(
    '404 with %j is no word of Defender about the alert',
    (body) => {
      expect(reply(404, body)).toMatchObject({ kind: 'unavailable' });
    },
  );

  test.each([400, 402, 405, 409, 413, 422, 451])('%i rejects the alert in Defender’s words', (status) => {
    expect(reply(status, error)).toEqual({
      kind: 'rejected',
      code: 'SomeCode',
      message: 'Some message.',
      target: 'tracking-1',
    });
  });

  test('429 says how long to wait, as far as Defender does', () => {
    const body = errorBody('429', 'You can send requests again in 8 seconds.');
    expect(reply(429, body, '5')).toMatchObject({ kind: 'throttled', retryAfterMs: 5_000 });
    expect(reply(429, body)).toMatchObject({ kind: 'throttled', retryAfterMs: 8_000 });
    expect(reply(429, '')).toEqual({
      kind: 'throttled',
      retryAfterMs: undefined,
      detail: 'Defender answered 429',
    });
  });

  test('the status counts, not the code in the body', () => {
    expect(reply(500, errorBody('429', 'quota'))).toMatchObject({ kind: 'unavailable' });
    expect(reply(404, errorBody('Unauthorized', ''))).toMatchObject({ kind: 'not_found' });
  });

  test('a machine in the body changes nothing', () => {
    expect(reply(500, machine)).toEqual({ kind: 'unavailable', detail: 'Defender answered 500' });
  });

  test('a body without words leaves the status to speak', () => {
    expect(reply(400, '<html>')).toEqual({
      kind: 'rejected',
      code: 'HTTP 400',
      message: 'Defender answered 400',
      target: undefined,
    });
  });

  test('an error with fields of other types is read as far as it goes', () => {
    expect(reply(400, { error: { code: 7, message: ['x'], target: {} } })).toEqual({
      kind: 'rejected',
      code: 'unknown',
      message: '',
      target: undefined,
    });
  });

  test('a very long message is cut', () => {
    const answer = reply(400, errorBody('Code', 'x'.repeat(100_000)));
    expect(answer.kind === 'rejected' && answer.message.length).toBe(500);
  });
});

test('whatever the status and the text, there is an answer, and a machine only with 200 and an ID', () => {
  const body = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.json(),
    fc.record({ id: fc.anything() }).map((value) => JSON.stringify(value) ?? ''),
    fc.record({ error: fc.anything() }).map((value) => JSON.stringify(value) ?? ''),
  );
  const status = fc.oneof(
    fc.constantFrom(200, 400, 401, 403, 404, 408, 429, 500),
    fc.integer({ min: 100, max: 999 }),
  );
  const header = fc.option(fc.string(), { nil: undefined });
  fc.assert(
    fc.property(status, header, body, (anyStatus, retryAfter, anyBody) => {
      const answer = readReply({ status: anyStatus, retryAfter, body: anyBody }, now);
      expect([
        'machine',
        'not_found',
        'throttled',
        'unauthorized',
        'forbidden',
        'retired',
        'unavailable',
        'unusable',
        'rejected',
      ]).toContain(answer.kind);
      if (answer.kind === 'machine') {
        expect(anyStatus).toBe(200);
        expect(JSON.parse(anyBody)).toHaveProperty('id', answer.machine.id);
        expect(answer.machine.id.trim()).not.toBe('');
      }
    }),
  );
});

test('an entry of a list of machines that is longer than a machine may be is left out', () => {
  const long = { id: 'DEF', machineTags: ['x'.repeat(200_000)] };
  const body = JSON.stringify({ value: [machine, long] });
  expect(readMachinesReply({ status: 200, retryAfter: undefined, body }, now)).toEqual({
    kind: 'rows',
    rows: new Map([['abc', machine]]),
  });
});
