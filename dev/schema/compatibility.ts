import { isDeepStrictEqual } from 'node:util';
import { alternativesOf } from './alternatives.ts';
import type { Audience, JsonSchema } from './jsonSchema.ts';

/**
 * What would break somebody who relies on the released schema, each as a sentence; none when nothing would.
 *
 * Consumers need that all we may write now was allowed then; producers, that all they might write then is allowed now.
 * Neither may lose a property that they knew. What cannot be judged, such as a pattern that changed, counts as a break.
 */
export function breaksOf(audience: Audience, released: JsonSchema, current: JsonSchema): string[] {
  return audience === 'consumers'
    ? excess({ audience, writer: current, reader: released }, current, released, '')
    : excess({ audience, writer: released, reader: current }, released, current, '');
}

/** The whole schemas, for references in them. */
interface Documents {
  audience: Audience;
  writer: JsonSchema;
  reader: JsonSchema;
}

/** What the writer's schema allows and the reader's does not. */
function excess(documents: Documents, written: JsonSchema, read: JsonSchema, path: string): string[] {
  const readable = alternativesOf(read, documents.reader);
  return alternativesOf(written, documents.writer).flatMap((alternative) => {
    const misfits = readable
      .filter((candidate) => fitsType(alternative, candidate))
      .map((candidate) => misfitsOf(documents, alternative, candidate, path))
      .toSorted((one, other) => one.length - other.length);
    return misfits[0] ?? [`${path || '/'} ${may(documents)} be ${String(alternative.type ?? 'anything')}`];
  });
}

function fitsType(written: JsonSchema, read: JsonSchema): boolean {
  return (
    read.type === undefined ||
    written.type === read.type ||
    (written.type === 'integer' && read.type === 'number')
  );
}

function misfitsOf(documents: Documents, written: JsonSchema, read: JsonSchema, path: string): string[] {
  return [
    ...valueMisfits(documents, written, read, path),
    ...limitMisfits(written, read, path),
    ...requiredMisfits(documents, written, read, path),
    ...propertyMisfits(documents, written, read, path),
    ...['items', 'additionalProperties'].flatMap((keyword) =>
      isSchema(read[keyword])
        ? excess(
            documents,
            asSchema(written[keyword]),
            read[keyword],
            `${path}/${keyword === 'items' ? '[]' : '*'}`,
          )
        : [],
    ),
  ];
}

function valueMisfits(documents: Documents, written: JsonSchema, read: JsonSchema, path: string): string[] {
  const allowed = valuesOf(read);
  if (allowed === undefined) {
    return [];
  }
  const values = valuesOf(written);
  if (values === undefined) {
    return [`${path} ${may(documents)} have any value`];
  }
  return values
    .filter((value) => !allowed.includes(value))
    .map((value) => `${path} ${may(documents)} be ${JSON.stringify(value)}`);
}

function valuesOf(schema: JsonSchema): unknown[] | undefined {
  if (schema.const !== undefined) {
    return [schema.const];
  }
  return Array.isArray(schema.enum) ? schema.enum : undefined;
}

const LOWER_LIMITS = new Set(['minLength', 'minItems', 'minimum']);
const UPPER_LIMITS = new Set(['maxLength', 'maxItems', 'maximum']);
/** Judged elsewhere, or nothing that a value could break. */
const NO_LIMITS = new Set([
  'type',
  'const',
  'enum',
  'required',
  'properties',
  'items',
  'additionalProperties',
  '$schema',
  '$id',
  '$defs',
  'description',
]);

function limitMisfits(written: JsonSchema, read: JsonSchema, path: string): string[] {
  return Object.entries(read)
    .filter(([keyword, limit]) => !NO_LIMITS.has(keyword) && !isWithin(keyword, written[keyword], limit))
    .map(
      ([keyword, limit]) =>
        `${path} has ${keyword} ${JSON.stringify(written[keyword]) ?? 'none'} on the side that writes, ` +
        `${JSON.stringify(limit)} on the side that reads`,
    );
}

function isWithin(keyword: string, written: unknown, read: unknown): boolean {
  if (LOWER_LIMITS.has(keyword)) {
    return Number(written ?? Number.NEGATIVE_INFINITY) >= Number(read);
  }
  if (UPPER_LIMITS.has(keyword)) {
    return Number(written ?? Number.POSITIVE_INFINITY) <= Number(read);
  }
  return isDeepStrictEqual(written, read);
}

function requiredMisfits(
  documents: Documents,
  written: JsonSchema,
  read: JsonSchema,
  path: string,
): string[] {
  return namesIn(read.required)
    .filter((name) => !namesIn(written.required).includes(name))
    .map((name) => `${path}/${name} ${may(documents)} be missing`);
}

function propertyMisfits(
  documents: Documents,
  written: JsonSchema,
  read: JsonSchema,
  path: string,
): string[] {
  const sides = [asSchema(written.properties), asSchema(read.properties)] as const;
  const [current, released] = documents.audience === 'consumers' ? sides : [sides[1], sides[0]];
  const gone = Object.keys(released)
    .filter((name) => !(name in current))
    .map((name) => `${path}/${name} is gone`);
  const both = Object.keys(released).filter((name) => name in current);
  return [
    ...gone,
    ...both.flatMap((name) =>
      excess(documents, asSchema(sides[0][name]), asSchema(sides[1][name]), `${path}/${name}`),
    ),
  ];
}

function may({ audience }: Documents): string {
  return audience === 'consumers' ? 'may now' : 'may no longer';
}

function namesIn(value: unknown): string[] {
  return Array.isArray(value) ? value : [];
}

function isSchema(value: unknown): value is JsonSchema {
  return typeof value === 'object' && value !== null;
}

function asSchema(value: unknown): JsonSchema {
  return isSchema(value) ? value : {};
}
