import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import type { FuzzRequest } from './fuzzRequest.ts';

/** Changes a request so that it may break the document. */
export type Mutation = (request: FuzzRequest) => FuzzRequest;

/** What an HTTP client lets through in a header. */
const headerText = fc.string({ maxLength: 60 }).map((text) => text.replaceAll(/[^\x20-\x7e\xa0-\xff]/g, ''));

const MEDIA_TYPES = [
  'application/json',
  'application/json; charset=utf-8',
  'application/json; charset=utf-16',
  'application/json;charset="UTF-8"; charset=latin1',
  'application/problem+json',
  'application/cloudevents-batch+json',
  'application/xml',
  'application/x-www-form-urlencoded',
  'multipart/form-data; boundary=x',
  'text/plain; charset=us-ascii',
  'text/plain;charset=iso-8859-1',
  'text/html',
  'image/png',
  'json',
  '/',
  '*/*',
  '',
];

const ACCEPTED = [
  'application/*',
  'text/*;q=0.5, application/json;q=0.4',
  'application/json;q=0',
  '*/*;q=0',
  'text/markdown;q=1.5',
  'image/png',
  'application/json, text/html, text/markdown',
  ',,,;q=;=',
  '*',
];

/** As JSON text, since some of them are no values of JavaScript. */
const HOSTILE_JSON = [
  'null',
  'true',
  '""',
  '" "',
  '[]',
  '{}',
  '-0',
  '1e400',
  '-1e400',
  '1.5',
  '9007199254740993',
  '123456789012345678901234567890',
  '"\\u0000"',
  '"\\ud800"',
  '"\\ud83d\\ude00"',
  '"\\u202e\\u2066da1"',
  '"../../admin"',
  `"'; drop table alerts; --"`,
  '"<script>alert(1)</script>"',
  '"{{7*7}} %n%s"',
  '"da1\\r\\nX-Evil: 1"',
  '"2026-11-23T12:00:00Z"',
  '{"__proto__":{"alertId":"da1"}}',
  '{"constructor":{"prototype":{"alertId":"da1"}}}',
  '{"toString":1,"hasOwnProperty":2,"valueOf":3,"then":4}',
  '{"alertId":"da1","alertId":7}',
  '{"alertIds":["da1",["da2"],null,{}]}',
  '{"specversion":"1.0","data":{"specversion":"1.0","data":"da1"}}',
  '{"specversion":"1.0","data_base64":"/w=="}',
  '{"specversion":"1.0","data":"eyJhbGVydElkIjoi"}',
  '{"eventType":"x","data":[["da1"]]}',
  '{"kind":"submission","version":1,"submission":{"alertId":"da1"}}',
  `"${'a'.repeat(70_000)}"`,
  `${'['.repeat(3_000)}${']'.repeat(3_000)}`,
  `${'{"a":'.repeat(3_000)}1${'}'.repeat(3_000)}`,
  `[${Array(1_500).fill('"!"').join()}]`,
];

const SEGMENTS = [
  '.',
  '..',
  '%2e%2e',
  '%2E%2e%2Fquota',
  '..%2F..%2Fhealth',
  '..%5c..%5chealth',
  '%00',
  'da1%00',
  'da1%0d%0aX-Evil:1',
  '%zz',
  '%',
  '%c0%af',
  '%ff',
  '%252e%252e',
  "da1'%20or%20''='",
  'da1;jsessionid=1',
  'da%201',
  '%20da1%20',
  '{alertId}',
  '%E2%80%AEda1',
  'a'.repeat(129),
  'a'.repeat(4_000),
  '-da1',
  '_da1',
];

const QUERIES = [
  'wait=',
  'wait=-1',
  'wait=101',
  'wait=1.0',
  'wait=1e1',
  'wait=0x1',
  'wait=+1',
  'wait=%31',
  'wait=1%20',
  'wait=%D9%A1',
  'wait=0&wait=1',
  'wait[]=1',
  'WAIT=1',
  'wait=99999999999999999999',
  'wait=NaN',
  'wait=%zz',
  'code=secret&clientId=x',
  '%00=%00',
  '&&&===?',
  `x=${'a'.repeat(5_000)}`,
];

const METHODS = ['PUT', 'PATCH', 'DELETE', 'OPTIONS', 'GET', 'HEAD', 'POST', 'TRACE', 'PROPFIND'];

function change(how: (request: FuzzRequest) => Partial<FuzzRequest>): Mutation {
  return (request) => ({ ...request, ...how(request), isValid: false });
}

function header(name: string, values: fc.Arbitrary<string>): fc.Arbitrary<Mutation> {
  return values.map((value) => change(({ headers }) => ({ headers: { ...headers, [name]: value } })));
}

function bodyFrom(bytes: fc.Arbitrary<(body: Buffer) => Buffer>): fc.Arbitrary<Mutation> {
  return bytes.map((alter) =>
    change(({ body = Buffer.alloc(0), headers }) => ({
      body: alter(body),
      headers: { 'content-type': 'application/json', ...headers },
    })),
  );
}

export const mutations: fc.Arbitrary<Mutation> = fc.oneof(
  {
    weight: 8,
    arbitrary: bodyFrom(
      fc.tuple(fc.nat(), fc.oneof(fc.constantFrom(...HOSTILE_JSON), fc.json({ maxDepth: 3 }))).map(
        ([place, hostile]) =>
          (body) =>
            withHostile(body, place, hostile),
      ),
    ),
  },
  // Bytes put in, taken out or cut off.
  bodyFrom(
    fc
      .tuple(fc.nat(), fc.nat({ max: 4 }), fc.uint8Array({ maxLength: 4 }))
      .map(([place, count, bytes]) => (body) => {
        const start = place % (body.length + 1);
        return Buffer.concat([body.subarray(0, start), bytes, body.subarray(start + count)]);
      }),
  ),
  bodyFrom(fc.nat().map((place) => (body) => body.subarray(0, place % (body.length + 1)))),
  bodyFrom(
    fc.constantFrom<(body: Buffer) => Buffer>(
      (body) => Buffer.concat([Buffer.of(0xef, 0xbb, 0xbf), body]),
      (body) => Buffer.from(body.toString(), 'utf16le'),
      (body) => gzipSync(body),
      (body) => Buffer.from(body.toString('base64')),
      (body) => Buffer.concat([body, body]),
      () => Buffer.alloc(0),
    ),
  ),
  header('content-type', fc.oneof(fc.constantFrom(...MEDIA_TYPES), headerText)),
  header('accept', fc.oneof(fc.constantFrom(...ACCEPTED), headerText)),
  header('content-encoding', fc.constantFrom('gzip', 'identity', 'br, gzip', 'x', '')),
  header('if-none-match', fc.oneof(fc.constantFrom('*', '"a", *', 'W/', ',,'), headerText)),
  header('transfer-encoding', fc.constant('chunked')),
  header('x-ms-client-principal-id', headerText),
  header('x-functions-key', headerText),
  header('x-http-method-override', fc.constantFrom('DELETE', 'PUT')),
  fc.constantFrom(...METHODS).map((method) => change(() => ({ method }))),
  fc
    .oneof(fc.constantFrom(...SEGMENTS), fc.string({ unit: 'binary', maxLength: 20 }).map(encodeLoosely))
    .map((segment) =>
      change(({ target }) => {
        const [path = '', ...query] = target.split('?');
        const last = path.lastIndexOf('/');
        return {
          target: [`${path.slice(0, Math.max(last, '/api/enrichments'.length))}/${segment}`, ...query].join(
            '?',
          ),
        };
      }),
    ),
  fc
    .oneof(fc.constantFrom(...QUERIES), fc.webQueryParameters())
    .map((query) =>
      change(({ target }) => ({ target: `${target}${target.includes('?') ? '&' : '?'}${query}` })),
    ),
  fc
    .constantFrom<(path: string) => string>(
      (path) => `${path}/`,
      (path) => path.replaceAll('/', '//').slice(1),
      (path) => path.toUpperCase(),
      (path) => path.replace('enrichments', 'enrichment%73'),
      (path) => path.replace('/api/', '/api/./'),
      (path) => path.replace('/api/', '/api/x/../'),
      (path) => `${path}/more`,
      (path) => `${path}#part`,
      () => '/api',
      () => '/api/admin/host/keys',
    )
    .map((alter) =>
      change(({ target }) => {
        const [path = '', ...query] = target.split('?');
        return { target: [alter(path), ...query].join('?') };
      }),
    ),
);

/** Puts hostile JSON in the place of one part of the body, which part is up to the number; else in place of the body. */
function withHostile(body: Buffer, place: number, hostile: string): Buffer {
  const marker = '\u{10ffff}';
  try {
    const value = JSON.parse(body.toString());
    let parts = 0;
    JSON.stringify(value, (_, part) => {
      parts += 1;
      return part;
    });
    let left = place % parts;
    const marked = JSON.stringify(value, (_, part) => {
      left -= 1;
      return left === -1 ? marker : part;
    });
    return Buffer.from(marked.replace(JSON.stringify(marker), () => hostile));
  } catch {
    // No JSON any more, or too deep already.
    return Buffer.from(hostile);
  }
}

/** Half encoded: what an HTTP client lets through stays as it is. */
function encodeLoosely(text: string): string {
  return text.replaceAll(/[^!$&-.0-9:;=@A-Z_a-z~]/gu, (part) => {
    try {
      return encodeURIComponent(part);
    } catch {
      return '%ed%a0%80';
    }
  });
}
