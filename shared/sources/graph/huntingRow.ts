import * as z from 'zod';
import { parseJson } from '../../text.ts';

/** A row of a hunting answer: its columns in lower case, and only those that say something, as text. */
export type HuntingRow = ReadonlyMap<string, string>;

const bodySchema = z.looseObject({
  schema: z.array(z.record(z.string(), z.unknown())),
  results: z.array(z.record(z.string(), z.unknown())).default([]),
});

/**
 * The rows of a response body; undefined for any other. The service writes its keys in any case and leaves `results`
 * out when there are none. Queries cast each column to text; other types are read as well: booleans as 0 and 1, `{}`
 * for null, lists of JSON texts (captures of July 2026).
 */
export function readHuntingRows(body: unknown): HuntingRow[] | undefined {
  const data = bodySchema.safeParse(withLowerCaseKeys(body)).data;
  return data?.results.map(
    (result) =>
      new Map(
        Object.entries(result).flatMap(([name, value]): [string, string][] => {
          const text = name.includes('@') ? '' : textOf(value);
          return text === '' ? [] : [[name.toLowerCase(), text]];
        }),
      ),
  );
}

function withLowerCaseKeys(value: unknown): unknown {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value).map(([key, item]) => [key.toLowerCase(), item]))
    : value;
}

function textOf(value: unknown): string {
  if (typeof value === 'string') {
    return value;
  }
  if (typeof value === 'number' || typeof value === 'boolean') {
    return String(value);
  }
  if (Array.isArray(value)) {
    return JSON.stringify(value.map((item) => (typeof item === 'string' ? (parseJson(item) ?? item) : item)));
  }
  // Null of a type that is no text.
  return '';
}

/** `true`, `True` and 1; undefined for what is no boolean. */
export function booleanOf(text: string | undefined): boolean | undefined {
  if (text === undefined || !/^(true|false|0|1)$/i.test(text)) {
    return undefined;
  }
  return /^(true|1)$/i.test(text);
}

/** The texts of a list that came as JSON. */
export function listOf(text: string | undefined): string[] {
  const list: unknown = parseJson(text ?? '');
  return Array.isArray(list) ? list.filter((item) => typeof item === 'string' && item !== '') : [];
}
