import { describe, expect, test } from 'vitest';
import type { RejectionReason } from '#shared/intake/rejection.ts';
import { ALERT_ID, asDelivered, base64, read, sample } from './support.ts';

const event = { specversion: '1.0', id: 'e1', source: '/contoso', type: 't' };
const bytes = (...values: number[]) => Buffer.from(values).toString('base64');
const nested = (levels: number, inner = '1') => '{"a":'.repeat(levels) + inner + '}'.repeat(levels);

const cases: [text: string, reason: RejectionReason, detail: RegExp][] = [
  ['', 'empty', /nothing to read/],
  ['\uFEFF \n', 'empty', /nothing to read/],
  ['null', 'empty', /nothing to read/],
  ['""', 'empty', /nothing to read/],
  ['[]', 'empty', /list has no items/],
  ['{"alertIds":[]}', 'empty', /list has no items/],
  [JSON.stringify(event), 'empty', /nothing to read/],

  [bytes(0xff, 0xfe, 0xfa, 0x00), 'bad-encoding', /from base64: .*not UTF-8/],
  [bytes(0xc3, 0x28, 0xa0, 0xa1), 'bad-encoding', /not UTF-8/],
  [JSON.stringify({ ...event, data_base64: '%%%' }), 'bad-encoding', /is no base64/],
  [JSON.stringify({ ...event, data_base64: bytes(0xff) }), 'bad-encoding', /not UTF-8/],

  ['{"alertId": ', 'bad-json', /does not parse/],
  ['['.repeat(65_536), 'bad-json', /does not parse/],
  [base64('{"alertId": '), 'bad-json', /from base64: .*does not parse/],

  ['42', 'not-an-alert', /^42 is no alert; expected/],
  ['true', 'not-an-alert', /^true is no alert/],
  ['1e400', 'not-an-alert', /is no alert/],
  ['636396039176847743', 'not-an-alert', /is no alert/],
  ['{}', 'not-an-alert', /\{\} has no known form/],
  ['{"hello":"world"}', 'not-an-alert', /"hello":"world".*has no known form/],
  ['{"id":"da637472900382838869_1364969609"}', 'not-an-alert', /has no known form/],
  [nested(10_000), 'not-an-alert', /has no known form/],
  [base64('{"hello":"world"}'), 'not-an-alert', /^decoded from base64: the object/],
  [JSON.stringify({ ...event, data: { ...event, data: ALERT_ID } }), 'not-an-alert', /event inside an event/],
  [
    JSON.stringify({ eventType: 'T', data: { eventType: 'T', data: ALERT_ID } }),
    'not-an-alert',
    /event inside/,
  ],

  ['hello world', 'bad-alert-id', /^the text is "hello world"; an alert ID has/],
  ['../../etc/passwd', 'bad-alert-id', /an alert ID has/],
  ['da637_1%2e%2e%2fmachines', 'bad-alert-id', /an alert ID has/],
  ['da637_1\u0000', 'bad-alert-id', /"da637_1\\u0000"/],
  ['da637_1\nda638 2', 'bad-alert-id', /an alert ID has/],
  ['a'.repeat(129), 'bad-alert-id', /…"; an alert ID has/],
  ['-1364969609_x', 'bad-alert-id', /an alert ID has/],
  [base64('../../etc/passwd'), 'bad-alert-id', /^decoded from base64: the text is "..\/..\/etc\/passwd"/],
  ['{"alertId":null}', 'bad-alert-id', /^"alertId" is null/],
  ['{"alertId":637472900382838869}', 'bad-alert-id', /^"alertId" is 637472900382838900/],
  ['{"alertId":["da637_1"]}', 'bad-alert-id', /^"alertId" is \["da637_1"\]/],
  ['{"id":"a/b","detectionSource":"x"}', 'bad-alert-id', /^the "id" of the MDE alert is "a\/b"/],
  ['{"id":"INC0042","severity":"High"}', 'not-an-alert', /has no known form/],
  ['{"id":{},"serviceSource":"x"}', 'bad-alert-id', /^the "id" of the Graph alert is \{\}/],
  ['{"providerAlertId":"x y"}', 'bad-alert-id', /^the VendorOriginalId .* is "x y"/],
  ['{"VendorOriginalId":7}', 'bad-alert-id', /^the VendorOriginalId .* is 7/],

  [JSON.stringify({ ...event, specversion: '2.0', data: ALERT_ID }), 'bad-field', /only CloudEvents 1.0/],
  ['{"alertIds":"da637_1"}', 'bad-field', /not a list/],
  ['{"alertIds":["da637_1"],"alertId":"da637_2"}', 'bad-field', /send one of them/],
  ['{"alertIds":["da637_1","da637_2"],"machineId":{}}', 'bad-field', /machineId/],

  ['{"kind":"submission"}', 'bad-envelope', /version of the envelope is missing/],
  ['{"kind":"submission","version":2,"submission":{}}', 'bad-envelope', /envelope is 2, .* newer release/],
  ['{"kind":"submission","version":1,"submission":{}}', 'bad-envelope', /damaged: submission\.alertId/],

  [JSON.stringify(Array(20_001).fill(ALERT_ID)), 'too-many', /20001 alerts; send at most 20000/],
];

const titled = cases.map(([text, reason, detail]) => ({ shown: text.slice(0, 60), text, reason, detail }));

test.each(titled)('$shown is rejected as a whole as $reason', ({ text, reason, detail }) => {
  const intake = read(asDelivered(text));
  expect(intake.submissions).toEqual([]);
  expect(intake.rejections).toHaveLength(1);
  expect(intake.rejections[0]).toMatchObject({ reason, detail: expect.stringMatching(detail) });
});

describe('a known field of the wrong type or size', () => {
  test.each<[string, unknown, RegExp]>([
    ['correlationId', true, /^correlationId: expected a text of at most 256 characters or a whole number/],
    ['correlationId', 'x'.repeat(257), /^correlationId/],
    ['correlationId', 2 ** 60, /^correlationId/],
    ['correlationId', 1.5, /^correlationId/],
    ['machineId', 12, /^machineId: .*expected string/],
    ['machineId', '../../machines', /^machineId: a machine ID has/],
    ['tenantId', ['x'], /^tenantId: .*expected string/],
    ['metadata', 'text', /^metadata: expected a JSON object/],
    ['metadata', [1], /^metadata: expected a JSON object/],
    ['metadata', { text: 'ä'.repeat(8_192) }, /^metadata: expected at most 16384 bytes/],
    ['metadata', JSON.parse(nested(33)), /^metadata: expected at most 32 levels/],
    ['metadata', JSON.parse(nested(10_000)), /^metadata: expected at most 32 levels/],
    ['refresh', 'true', /^refresh: .*expected boolean/],
  ])('%s is named, with the alert ID beside it', (field, value, detail) => {
    expect(read({ alertId: ALERT_ID, [field]: value })).toMatchObject({
      submissions: [],
      rejections: [{ reason: 'bad-field', alertId: ALERT_ID, detail: expect.stringMatching(detail) }],
    });
  });

  test('is found together with the others', () => {
    const [rejection] = read({ alertId: ALERT_ID, tenantId: 1, refresh: 2 }).rejections;
    expect(rejection?.detail).toMatch(/^tenantId: .*; refresh: /);
  });

  test('does not reach as far as values at the limit', () => {
    const metadata = JSON.parse(nested(32));
    const text = { text: 'x'.repeat(16_384 - '{"text":""}'.length) };
    expect(read({ alertId: ALERT_ID, metadata }).rejections).toEqual([]);
    expect(read({ alertId: ALERT_ID, metadata: text, correlationId: 'x'.repeat(256) }).rejections).toEqual(
      [],
    );
  });
});

describe('the original of a rejection', () => {
  test('is the message as it came', () => {
    expect(read('../x').rejections[0]?.original).toBe('../x');
    expect(read(base64('../x')).rejections[0]?.original).toBe(base64('../x'));
    expect(read({ hello: 'world' }).rejections[0]?.original).toBe('{"hello":"world"}');
  });

  test.each([
    ['lists', '['.repeat(32_768) + ']'.repeat(32_768)],
    ['objects', nested(10_000, '[1,"x",null,true,{}]')],
    ['lists of objects', `${'[{"a":1,"b":'.repeat(5_000)}[]${',"c":"ü"}]'.repeat(5_000)}`],
  ])('is whole even for %s too deep for JSON.stringify', (_what, text) => {
    const body = JSON.parse(text);
    expect(() => JSON.stringify(body)).toThrow(RangeError);
    const { rejections } = read({ alertId: 'a b', deep: body });
    expect(rejections[0]?.original === `{"alertId":"a b","deep":${text}}`).toBe(true);
  });
});

test('a damaged envelope keeps its alert ID in sight', () => {
  const envelope = JSON.parse(sample('envelope'));
  const submission = { ...envelope.submission, attempts: -1 };
  expect(read({ ...envelope, submission }).rejections).toMatchObject([
    { reason: 'bad-envelope', alertId: ALERT_ID, detail: expect.stringContaining('submission.attempts') },
  ]);
});
