import fc from 'fast-check';
import { expect, test } from 'vitest';
import { machineSchema, parseMachine } from '#shared/device/machine.ts';

test('a body with an ID is a machine, and nothing of it is changed', () => {
  const body = {
    id: 'a1',
    osBuild: 'odd',
    rbacGroupId: 0,
    healthStatus: 'Sleeping',
    extra: { deep: [1, null] },
  };
  expect(parseMachine(body)).toEqual({ kind: 'machine', machine: body });
});

test.each([
  ['an OData error', { error: { code: 'ResourceNotFound', message: 'gone' } }, 'ResourceNotFound, gone'],
  ['an empty object', {}, 'an object without "id"'],
  ['an empty ID', { id: '' }, 'an empty "id"'],
  ['a blank ID', { id: ' \t' }, 'an empty "id"'],
  ['a number as ID', { id: 7 }, 'an "id" that is no text'],
  ['a list', [{ id: 'a' }], 'a list of 1'],
  ['a list envelope', { value: [{ id: 'a' }] }, 'an object without "id"'],
  ['null', null, 'null'],
  ['text', '{"id":"a"}', 'a string'],
])('%s is no machine, and the detail says what it is', (_, body, detail) => {
  const reading = parseMachine(body);
  expect(reading).toMatchObject({ kind: 'invalid', detail: expect.stringContaining(detail) });
});

test('any JSON value is a machine or a reason', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (body) => {
      const isMachine = machineSchema.safeParse(body).success;
      expect(parseMachine(body).kind).toBe(isMachine ? 'machine' : 'invalid');
    }),
  );
});
