import type { StoredAnswer } from '../enrichment/answer.ts';
import { formatsSchema } from '../enrichment/enrichment.ts';
import { FORMATS } from '../projections/formats.ts';
import { parseJson } from '../text/parseJson.ts';
import { fromParts, toParts } from './textParts.ts';

/**
 * A row holds 1 MiB with two bytes a character, and the device must find room in it; the rest is left to the flat
 * columns. What exceeds this is far too long for a queue message, so that no message tells more than its row.
 */
const MOST_CHARACTERS = 450_000;

/** A column for each format, named after it, unless the row would become too long. */
export function formatColumns({ device, machine, formats = {} }: StoredAnswer): Record<string, string> {
  const columns = FORMATS.flatMap((format) => {
    const projection = formats[format];
    return projection === undefined ? [] : Object.entries(toParts(format, JSON.stringify(projection)));
  });
  const length = columns.reduce(
    (sum, [, text]) => sum + text.length,
    JSON.stringify([device, machine]).length,
  );
  return length > MOST_CHARACTERS ? {} : Object.fromEntries(columns);
}

/** The formats of a row as a part of its answer, which has none when they are not understood. */
export function readFormats(row: Readonly<Record<string, unknown>>): Pick<StoredAnswer, 'formats'> {
  const stored = FORMATS.map((format) => [format, parseJson(fromParts(format, row))] as const);
  const known = stored.filter(([, projection]) => projection !== undefined);
  const formats = known.length === 0 ? undefined : formatsSchema.safeParse(Object.fromEntries(known)).data;
  return formats === undefined ? {} : { formats };
}
