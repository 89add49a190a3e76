import { describe, expect, test } from 'vitest';
import * as z from 'zod';
import { breaksOf } from '#dev/schema/compatibility.ts';
import { contracts } from '#dev/schema/contracts.ts';
import type { Audience } from '#dev/schema/jsonSchema.ts';

const released = z.object({
  id: z.string().min(1).max(9),
  code: z.string().regex(/^a/),
  when: z.iso.datetime(),
  count: z.int().min(0).max(9),
  ratio: z.number(),
  kind: z.enum(['a', 'b']),
  version: z.literal('1.0'),
  level: z.enum(['low', 'high']).nullable(),
  note: z.string().optional(),
  tags: z.array(z.string()).min(1).max(9),
  part: z.object({ name: z.string() }),
  either: z.union([z.string(), z.object({ text: z.string() })]),
});
const { shape } = released;

function breaks(audience: Audience, changed: z.ZodType): string[] {
  const schemaOf = (schema: z.ZodType) => z.toJSONSchema(schema, { io: 'input' });
  return breaksOf(audience, schemaOf(released), schemaOf(changed));
}

const { note: _, ...withoutNote } = shape;
const { id: __, ...withoutId } = shape;

describe('a change of what consumers read', () => {
  test.each<[string, z.ZodType, string]>([
    ['a property that is gone', z.object(withoutId), '/id'],
    ['an optional property that is gone', z.object(withoutNote), '/note'],
    ['a property with another name', z.object({ ...withoutId, identifier: shape.id }), '/id'],
    ['a property of a part that is gone', released.extend({ part: z.object({}) }), '/part/name'],
    ['a property that may be missing', released.extend({ id: shape.id.optional() }), '/id'],
    ['a property that may be null', released.extend({ id: shape.id.nullable() }), '/id'],
    ['another type', released.extend({ ratio: z.string() }), '/ratio'],
    [
      'a whole number that may have a fraction',
      released.extend({ count: z.number().min(0).max(9) }),
      '/count',
    ],
    ['one type more', released.extend({ id: z.union([shape.id, z.number()]) }), '/id'],
    ['a type given up', released.extend({ id: z.unknown() }), '/id'],
    ['a list in place of one', released.extend({ id: z.array(shape.id) }), '/id'],
    ['another value of a closed list', released.extend({ kind: z.enum(['a', 'b', 'c']) }), '/kind'],
    [
      'another value of a closed list with null',
      released.extend({ level: z.enum(['low', 'high', 'top']).nullable() }),
      '/level',
    ],
    ['a closed list that is open', released.extend({ kind: z.string() }), '/kind'],
    ['another version', released.extend({ version: z.literal('2.0') }), '/version'],
    ['a longer text', released.extend({ id: z.string().min(1).max(10) }), '/id'],
    ['a text without limit', released.extend({ id: z.string().min(1) }), '/id'],
    ['a text that may be empty', released.extend({ id: z.string().max(9) }), '/id'],
    ['a greater number', released.extend({ count: z.int().min(0).max(10) }), '/count'],
    ['a smaller number', released.extend({ count: z.int().min(-1).max(9) }), '/count'],
    ['another pattern', released.extend({ code: z.string().regex(/^b/) }), '/code'],
    ['another format', released.extend({ when: z.iso.date() }), '/when'],
    ['a list that may be empty', released.extend({ tags: z.array(z.string()).max(9) }), '/tags'],
    ['a longer list', released.extend({ tags: z.array(z.string()).min(1).max(10) }), '/tags'],
    ['items of another type', released.extend({ tags: z.array(z.number()).min(1).max(9) }), '/tags/[]'],
    ['an alternative more', released.extend({ either: z.union([shape.either, z.number()]) }), '/either'],
    [
      'a property of an alternative that is gone',
      released.extend({ either: z.union([z.string(), z.object({})]) }),
      '/either/text',
    ],
  ])('breaks them by %s', (_name, changed, path) => {
    const found = breaks('consumers', changed);
    expect(found).not.toEqual([]);
    expect(found.every((text) => text.startsWith(path))).toBe(true);
  });

  test.each<[string, z.ZodType]>([
    ['nothing', released],
    ['a new property', released.extend({ more: z.string() })],
    ['a new optional property', released.extend({ more: z.string().optional() })],
    ['a property that is always there now', released.extend({ note: z.string() })],
    ['a property that is never null now', released.extend({ level: z.enum(['low', 'high']) })],
    ['a narrower limit', released.extend({ id: z.string().min(2).max(8) })],
    ['a value that is not used any more', released.extend({ kind: z.enum(['a']) })],
    ['an alternative that is not used any more', released.extend({ either: z.string() })],
    ['a number that is whole now', released.extend({ ratio: z.int() })],
    ['a new description', released.extend({ id: shape.id.describe('The ID.') })],
  ])('does not break them by %s', (_name, changed) => {
    expect(breaks('consumers', changed)).toEqual([]);
  });
});

describe('a change of what producers write', () => {
  test.each<[string, z.ZodType, string]>([
    ['a property that is ignored now', z.object(withoutNote), '/note'],
    ['a new property that must be there', released.extend({ more: z.string() }), '/more'],
    ['a property that must be there now', released.extend({ note: z.string() }), '/note'],
    [
      'a property that may not be null any more',
      released.extend({ level: z.enum(['low', 'high']) }),
      '/level',
    ],
    ['a value that is not taken any more', released.extend({ kind: z.enum(['a']) }), '/kind'],
    ['a shorter text', released.extend({ id: z.string().min(1).max(8) }), '/id'],
    ['a shorter list', released.extend({ tags: z.array(z.string()).min(1).max(8) }), '/tags'],
    ['a new pattern', released.extend({ id: shape.id.regex(/^x/) }), '/id'],
    ['a number that must be whole', released.extend({ ratio: z.int() }), '/ratio'],
    ['an alternative that is not taken any more', released.extend({ either: z.string() }), '/either'],
  ])('breaks them by %s', (_name, changed, path) => {
    const found = breaks('producers', changed);
    expect(found).not.toEqual([]);
    expect(found.every((text) => text.startsWith(path))).toBe(true);
  });

  test.each<[string, z.ZodType]>([
    ['nothing', released],
    ['a new optional property', released.extend({ more: z.string().optional() })],
    ['a property that may be missing', released.extend({ id: shape.id.optional() })],
    ['a property that may be null', released.extend({ id: shape.id.nullable() })],
    ['another value', released.extend({ kind: z.enum(['a', 'b', 'c']) })],
    ['a longer text', released.extend({ id: z.string().min(1).max(10) })],
    ['an alternative more', released.extend({ either: z.union([shape.either, z.number()]) })],
  ])('does not break them by %s', (_name, changed) => {
    expect(breaks('producers', changed)).toEqual([]);
  });
});

test.each(contracts)('the loss of any property of $name is a break', ({ audience, schema }) => {
  const paths = propertiesIn(schema, []);
  expect(paths.length).toBeGreaterThan(5);
  for (const path of paths) {
    const changed = structuredClone(schema);
    const parent = path
      .slice(0, -1)
      .reduce<Record<string, unknown>>((node, key) => node[key] as Record<string, unknown>, changed);
    delete parent[path.at(-1) ?? ''];
    expect(breaksOf(audience, schema, changed), path.join('/')).not.toEqual([]);
  }
});

function propertiesIn(node: unknown, path: string[]): string[][] {
  if (typeof node !== 'object' || node === null) {
    return [];
  }
  return Object.entries(node).flatMap(([key, value]) => [
    ...(path.at(-1) === 'properties' && path.at(-2) !== 'properties' ? [[...path, key]] : []),
    ...propertiesIn(value, [...path, key]),
  ]);
}
