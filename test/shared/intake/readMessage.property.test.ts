import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isKnownAlertId } from '#shared/intake/forms.ts';
import { readMessage } from '#shared/intake/readMessage.ts';
import { isAlertId, submissionSchema } from '#shared/intake/submission.ts';
import { alertIdsIn, asDelivered, base64, delivery, NOW, read, reasonsIn, sample } from './support.ts';

/** Whatever comes in, this holds for what comes out. */
function expectSound(body: unknown, metadata: Record<string, unknown> = { ...delivery }): void {
  const { submissions, rejections } = readMessage(body, metadata, NOW);
  expect(submissions.length + rejections.length).toBeGreaterThan(0);
  for (const submission of submissions) {
    expect(isAlertId(submission.alertId)).toBe(true);
    expect(submissionSchema.safeParse(submission).error).toBeUndefined();
  }
  expect(new Set(submissions.map(({ submissionId }) => submissionId)).size).toBe(submissions.length);
  for (const rejection of rejections) {
    expect(rejection.reason).toMatch(/^[a-z]+(-[a-z]+)*$/);
    expect(rejection.detail).not.toBe('');
    expect(rejection.original).toBeTypeOf('string');
  }
}

const alertId = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9_-]{0,127}$/);
const samples = ['alertObject', 'alertIds', 'defenderAlert', 'graphAlert', 'sentinelRow', 'sentinelEntity']
  .concat(['cloudEvent', 'cloudEventBase64', 'eventGridEvent', 'envelope', 'mixedList'])
  .map((name) => JSON.parse(sample(name)));

/** The field names that intake looks at, so that random objects come near the real forms. */
const fieldName = fc.constantFrom(
  ...[
    'alertId',
    'alertIds',
    'correlationId',
    'machineId',
    'tenantId',
    'metadata',
    'refresh',
    'id',
    'severity',
  ],
  ...['evidence', 'serviceSource', 'providerAlertId', 'VendorOriginalId', 'SystemAlertId', 'properties'],
  ...['systemAlertId', 'specversion', 'data', 'data_base64', 'eventType', 'kind', 'version', 'submission'],
  ...[
    'records',
    'category',
    'results',
    'schema',
    'value',
    'alerts',
    'incidentId',
    'object',
    'objectSchemaType',
  ],
  ...[
    'AlertId',
    'DeviceId',
    'alert_id',
    'devices',
    'mdatpDeviceId',
    '$content',
    '$content-type',
    'ContentData',
  ],
  ...['MessageId', 'AlertLink', 'ProductName', 'entityType', 'detectionSource', 'type', 'status', 'title'],
  ...['__proto__', 'constructor', 'toString', 'Id', 'insertionTime', '@odata.type', 'mdeDeviceId'],
);
const nearlyAnAlert = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 5, depthSize: 'small' },
    alertId,
    fc.constantFrom('1.0', 'submission', '2.0', 1, null, ''),
    fc.jsonValue(),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.array(fc.tuple(fieldName, tie('value')), { maxLength: 6 }).map((fields) => Object.fromEntries(fields)),
  ),
})).value;

test('any text becomes submissions or rejections', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.json()), (text) => expectSound(asDelivered(text))),
  );
});

test('any bytes become submissions or rejections, as text and as base64', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      expectSound(Buffer.from(bytes).toString('utf8'));
      expectSound(Buffer.from(bytes).toString('base64'));
    }),
  );
});

test('any JSON value becomes submissions or rejections', () => {
  fc.assert(
    fc.property(nearlyAnAlert, (value) => expectSound(value)),
    { numRuns: 1000 },
  );
});

test('any value at all becomes submissions or rejections, under any metadata', () => {
  const metadata = fc.record({
    id: fc.anything(),
    insertionTime: fc.anything(),
    expirationTime: fc.anything(),
  });
  fc.assert(
    fc.property(fc.anything({ withBigInt: true }), metadata, (value, other) => expectSound(value, other)),
  );
});

test('any field of a real message may be anything', () => {
  const broken = fc
    .constantFrom(...samples)
    .chain((message) =>
      fc
        .tuple(fc.constantFrom(...Object.keys(message)), nearlyAnAlert)
        .map(([name, value]) =>
          Array.isArray(message) ? [...message, value] : { ...message, [name]: value },
        ),
    );
  fc.assert(
    fc.property(broken, (message) => expectSound(message)),
    { numRuns: 500 },
  );
});

/** Texts such as "123" or "true" are JSON of another kind. */
const alertIdAsText = alertId.filter((text) => asDelivered(text) === text);
/** "MjFa" is base64 of "21Z", and means that, however often it is encoded. */
const plainAlertId = alertIdAsText.filter((text) => text.length % 4 !== 0 || /[_-]/.test(text));

test('any text that passes the gate and cannot be base64 is its own alert ID', () => {
  fc.assert(
    fc.property(plainAlertId, (text) => {
      expect(alertIdsIn(read(text))).toEqual([text]);
    }),
  );
});

test('any such alert ID in base64 is found', () => {
  fc.assert(
    fc.property(plainAlertId, (text) => {
      expect(alertIdsIn(read(base64(text)))).toEqual([text]);
    }),
  );
});

test('a JSON object means the same as a value, as text and as base64', () => {
  fc.assert(
    fc.property(fc.dictionary(fieldName, nearlyAnAlert, { minKeys: 1 }), (value) => {
      const text = JSON.stringify(value);
      const [parsed, plain, encoded] = [JSON.parse(text), `\uFEFF${text}`, base64(text)].map(read);
      expect(parsed).toBeDefined();
      for (const other of [plain, encoded]) {
        expect(other && alertIdsIn(other)).toEqual(parsed && alertIdsIn(parsed));
        expect(other && reasonsIn(other)).toEqual(parsed && reasonsIn(parsed));
      }
    }),
  );
});

test('a list is read item by item', () => {
  const item = fc.oneof(alertId, fc.string(), fc.constant(null), fc.constantFrom(...samples.slice(2, 9)));
  fc.assert(
    fc.property(fc.array(item, { minLength: 1, maxLength: 20 }), (items) => {
      const { submissions, rejections } = read(items);
      expect(submissions.length + rejections.length).toBe(items.length);
      expect(submissions.map(({ submissionId }) => Number(submissionId.split('.')[1]))).toEqual(
        items.flatMap((one, index) => (alertIdsIn(read([one])).length === 1 ? [index] : [])),
      );
    }),
  );
});

test('an object with no ID of a known shape and in none of the named forms is never looked up', () => {
  const field = fc.constantFrom(
    ...[
      'id',
      'severity',
      'status',
      'title',
      'type',
      'machineId',
      'category',
      'name',
      'number',
      'description',
    ],
    ...[
      'incidentId',
      'priority',
      'state',
      'url',
      'createdDateTime',
      'tags',
      'count',
      'value2',
      'incident',
      'note',
    ],
  );
  const text = fc.oneof(
    fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9_-]{0,40}$/),
    fc.uuid(),
    fc.constantFrom('High', 'New', 'INC0042', 'CVE-2031-0042', '4711', '995'),
  );
  const value = fc.oneof(
    text.filter((candidate) => !isKnownAlertId(candidate)),
    fc.integer(),
    fc.boolean(),
    fc.constant(null),
    fc.array(fc.string(), { maxLength: 3 }),
  );
  const ticket = fc
    .array(fc.tuple(field, value), { maxLength: 10 })
    .map((fields) => Object.fromEntries(fields));
  fc.assert(
    fc.property(ticket, fc.boolean(), (object, inList) => {
      const body = inList ? { value: [object, object] } : object;
      expect(readMessage(body, delivery, NOW).submissions).toEqual([]);
    }),
  );
});
