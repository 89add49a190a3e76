import { expect, test } from 'vitest';
import { MAX_BODY_BYTES, readRequestBody } from '#shared/http/request.ts';

type Body = Parameters<typeof readRequestBody>[0]['body'];

function read(body: string | Uint8Array | Body, headers: Record<string, string>) {
  const stream = typeof body === 'string' || body instanceof Uint8Array ? new Blob([body]).stream() : body;
  return readRequestBody({ body: stream as Body, headers: new Headers(headers) });
}

const json = { 'content-type': 'application/json' };

test.each([
  ['application/json', '{"a":1}', { a: 1 }],
  ['application/JSON; charset="UTF-8"', '"da1_1"', 'da1_1'],
  ['application/cloudevents+json', '[]', []],
  ['text/plain;charset=UTF-8', ' da1_1\n', 'da1_1'],
  ['text/plain', '{"alertId":"da1_1"}', '{"alertId":"da1_1"}'],
])('%s is read', async (type, body, value) => {
  expect(await read(body, { 'content-type': type })).toEqual({ ok: true, value });
});

test.each([
  ['another type', '{}', { 'content-type': 'application/xml' }, 'unsupported-media-type'],
  [
    'a type that only looks like JSON',
    '{}',
    { 'content-type': 'application/jsonp' },
    'unsupported-media-type',
  ],
  ['no type', '{}', {}, 'unsupported-media-type'],
  ['a compressed body', '{}', { ...json, 'content-encoding': 'br' }, 'unsupported-media-type'],
  ['another charset', '{}', { 'content-type': 'text/plain; charset=latin1' }, 'unsupported-media-type'],
  ['an empty body', ' \n', json, 'malformed-body'],
  ['half of JSON', '{"a"', json, 'malformed-body'],
  ['bytes that are no UTF-8', Uint8Array.of(0x22, 0xc3, 0x22), json, 'malformed-body'],
  [
    'a length that is too large',
    '{}',
    { ...json, 'content-length': String(MAX_BODY_BYTES + 1) },
    'too-large',
  ],
  ['a body that is too large', 'x'.repeat(MAX_BODY_BYTES + 1), json, 'too-large'],
])('%s is refused', async (_what, body, headers, problem) => {
  expect(await read(body, headers as Record<string, string>)).toMatchObject({
    ok: false,
    error: { problem },
  });
});

test('no body is an empty one', async () => {
  expect(await read(null, json)).toMatchObject({ ok: false, error: { problem: 'malformed-body' } });
});

test('a body without end is not read to its end', async () => {
  let chunks = 0;
  const endless = new ReadableStream({
    pull(controller) {
      chunks += 1;
      controller.enqueue(new Uint8Array(1024 * 1024));
    },
  });
  expect(await read(endless as Body, json)).toMatchObject({ error: { problem: 'too-large' } });
  expect(chunks).toBeLessThan(10);
});
