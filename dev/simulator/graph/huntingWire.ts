import { pick, type Random } from '../random.ts';
import type { Cell } from './huntingDevice.ts';
import type { ColumnType, Table } from './huntingTables.ts';

/**
 * How answers are written: `text` as of a query that casts every column to text, `native` as captured of queries
 * that do not, `mixed` one or the other, drawn for each answer, with keys in any case.
 */
export const wireForms = ['text', 'native', 'mixed'] as const;
export type WireForm = (typeof wireForms)[number];

const KEYS = {
  lower: { schema: 'schema', results: 'results', name: 'name', type: 'type' },
  pascal: { schema: 'Schema', results: 'Results', name: 'Name', type: 'Type' },
  upper: { schema: 'SCHEMA', results: 'RESULTS', name: 'NAME', type: 'TYPE' },
} as const;

/** The body of an answer. Where there are no rows, the list of them may be missing. */
export function huntingBody({ columns, rows }: Table, form: WireForm, random: Random) {
  const isMixed = form === 'mixed';
  const isNative = form === 'native' || (isMixed && random() < 0.5);
  const keys = isMixed ? pick(random, Object.values(KEYS)) : KEYS.lower;
  const truth = isMixed ? pick(random, ['true', 'True', '1']) : 'true';
  const results = rows.map((row) =>
    Object.fromEntries(
      columns.flatMap(({ name, type }): [string, unknown][] => {
        const cell = row[name] ?? null;
        return isNative ? nativeProperties(name, type, cell) : [[name, textOf(cell, truth)]];
      }),
    ),
  );
  return {
    '@odata.context':
      'https://graph.microsoft.com/v1.0/$metadata#microsoft.graph.security.huntingQueryResults',
    [keys.schema]: columns.map(({ name, type }) => ({
      [keys.name]: name,
      [keys.type]: isNative ? type : 'String',
    })),
    ...(isNative && results.length === 0 ? {} : { [keys.results]: results }),
  };
}

/** As `tostring` of KQL: nothing for null, JSON for lists. */
function textOf(cell: Cell, truth: string): string {
  if (cell === null) {
    return '';
  }
  if (typeof cell === 'boolean') {
    return cell ? truth : (FALSEHOODS[truth] ?? 'false');
  }
  return typeof cell === 'object' ? JSON.stringify(cell) : String(cell);
}

const FALSEHOODS: Record<string, string> = { true: 'false', True: 'False', 1: '0' };

/** A value beside its type: null of what is no text is `{}`, a bool is 0 or 1, an object in a list is JSON text. */
function nativeProperties(name: string, type: ColumnType, cell: Cell): [string, unknown][] {
  if (type === 'String') {
    return [[name, cell ?? '']];
  }
  if (cell === null) {
    return [[name, {}]];
  }
  if (type === 'DateTime') {
    return [[name, cell]];
  }
  if (type === 'Object') {
    const items = (cell as readonly unknown[]).map((item) => JSON.stringify(item));
    return [
      [`${name}@odata.type`, '#Collection(String)'],
      [name, items],
    ];
  }
  return [
    [`${name}@odata.type`, `#${type}`],
    [name, Number(cell)],
  ];
}
