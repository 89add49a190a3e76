import { readdirSync, readFileSync } from 'node:fs';
import { inspect } from 'node:util';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { deviceSchema } from '#shared/device/device.ts';
import { machineSchema, parseMachine } from '#shared/device/machine.ts';
import { normalizeMachine } from '#shared/device/normalize.ts';
import { propertiesSchema } from '#shared/device/properties.ts';

const at = new Date('2026-11-23T12:00:00Z');
const fixtures = new URL('../../fixtures/', import.meta.url);

function readFixture(path: string): unknown {
  return JSON.parse(readFileSync(new URL(path, fixtures), 'utf8'));
}

/** Every value inside a value, itself included. */
function valuesIn(value: unknown): unknown[] {
  return typeof value === 'object' && value !== null
    ? [value, ...Object.values(value).flatMap(valuesIn)]
    : [value];
}

test('every machine of the fixtures has a device, and the reverse', () => {
  expect(readdirSync(new URL('devices/', fixtures))).toEqual(readdirSync(new URL('machines/', fixtures)));
});

test.each(readdirSync(new URL('machines/', fixtures)))('%s becomes the device on record', (file) => {
  const device = normalizeMachine(machineSchema.parse(readFixture(`machines/${file}`)), at);
  expect(device).toStrictEqual(readFixture(`devices/${file}`));
  expect(deviceSchema.parse(device)).toStrictEqual(device);
});

test('what cannot be read is named, by a pointer into the raw record', () => {
  const { unread } = normalizeMachine(
    {
      id: 'a',
      '@odata.context': 'x',
      'machineTags@odata.type': '#Collection(String)',
      osPlatform: 11,
      isExcluded: null,
      machineTags: ['a', 1],
      vmMetadata: { vmId: 'v', constructor: 'c' },
      'a/b~c': 0,
      '': 'unnamed',
      silent: null,
    },
    at,
  );
  expect(unread).toEqual(['/osPlatform', '/machineTags/1', '/vmMetadata/constructor', '/a~1b~0c', '/']);
});

test('a known property is found whatever the case of its name, and the exact name wins', () => {
  const device = normalizeMachine({ id: 'a', onboardingstatus: 'onboarded' }, at);
  expect(device).toMatchObject({ onboarding: { value: 'Onboarded', text: null }, unread: [] });
  const twice = normalizeMachine({ id: 'a', riskscore: 'Low', riskScore: 'High' }, at);
  expect(twice).toMatchObject({ risk: { value: 'High' }, unread: ['/riskscore'] });
});

const hostileValue = fc.oneof(
  fc.jsonValue(),
  fc.string({ unit: 'binary' }),
  fc.constantFrom<unknown>(
    Number.POSITIVE_INFINITY,
    Number.NaN,
    -0,
    Number.MAX_VALUE,
    '',
    ' ',
    'null',
    'NULL',
    'x'.repeat(100_000),
    ' '.repeat(100_000).concat('x'),
    '0.'.repeat(50_000),
    '2026-01-01T00:00:00.'.concat('9'.repeat(50_000), 'Z'),
    '9999-12-31T23:59:59.9999999-14:00',
    '::ffff:0:0',
    '1.2.3.4%eth0',
    JSON.parse('{"__proto__":{"polluted":true},"constructor":{"prototype":1}}'),
    undefined,
  ),
  fc.ipV4(),
  fc.ipV6(),
  fc.date().map(String),
  fc.constantFrom('Windows11', 'Ubuntu', 'High', 'Active', 'x64', '64-bit', 'a.b.c', '00005E005301'),
);

const hostileEntry = fc.record(
  {
    ipAddress: hostileValue,
    macAddress: hostileValue,
    type: hostileValue,
    operationalStatus: fc.oneof(fc.constantFrom('Up', 'Down'), hostileValue),
  },
  { requiredKeys: [] },
);

const hostileProperty = (name: string) => {
  if (name === 'ipAddresses') {
    return fc.oneof(fc.array(fc.oneof(hostileEntry, hostileValue)), hostileValue);
  }
  if (name === 'machineTags') {
    return fc.oneof(fc.array(hostileValue), hostileValue);
  }
  return hostileValue;
};

const anyMachine = fc
  .tuple(
    fc.string({ minLength: 1 }).filter((id) => id.trim() !== ''),
    fc.record(
      Object.fromEntries(Object.keys(propertiesSchema.shape).map((name) => [name, hostileProperty(name)])),
      { requiredKeys: [] },
    ),
    fc.dictionary(
      fc.oneof(fc.string(), fc.constantFrom('__proto__', 'constructor', 'toString')),
      hostileValue,
    ),
  )
  .map(([id, known, unknown]) => ({ ...unknown, ...known, id }));

test('any object with an ID becomes a valid device, the same each time, and the object stays as it was', () => {
  fc.assert(
    fc.property(anyMachine, (body) => {
      const before = inspect(body, { depth: null });
      const reading = parseMachine(body);
      if (reading.kind !== 'machine') {
        throw new Error(reading.detail);
      }
      const device = normalizeMachine(reading.machine, at);

      deviceSchema.parse(device);
      expect(JSON.parse(JSON.stringify(device))).toStrictEqual(device);
      expect(normalizeMachine(reading.machine, at)).toStrictEqual(device);
      expect(inspect(body, { depth: null })).toBe(before);
    }),
    { numRuns: 500 },
  );
});

test('no device holds undefined, an empty text, or "null" as text', () => {
  fc.assert(
    fc.property(anyMachine, (body) => {
      const values = valuesIn(normalizeMachine({ ...body, id: 'a' }, at));
      expect(values).not.toContain(undefined);
      expect(values).not.toContain('');
      expect(values).not.toContain('null');
    }),
    { numRuns: 500 },
  );
});

test('an infinite number, as JSON writes 1e400, is unread and no text', () => {
  const device = normalizeMachine(
    machineSchema.parse(JSON.parse('{"id":"a","osBuild":1e400,"rbacGroupId":-1e400}')),
    at,
  );
  expect(device).toMatchObject({ os: { build: null }, groupId: null, unread: ['/osBuild', '/rbacGroupId'] });
});
