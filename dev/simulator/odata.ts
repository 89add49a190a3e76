/** A record that a list query looks at. */
type Row = Record<string, unknown>;

/** What one list query asks for. */
export interface ListQuery {
  /** True when the record passes `$filter`. */
  matches(row: Row): boolean;
  /** `$orderby`; undefined keeps the order of the list. */
  compare: ((left: Row, right: Row) => number) | undefined;
  /** `$top`; undefined when the caller left the page size to the service. */
  top: number | undefined;
  /** `$skip`. */
  skip: number;
  /** `$select`; undefined for all properties. */
  select: readonly string[] | undefined;
}

/** The largest page of a list. */
export const PAGE_MAXIMUM = 10_000;

/** A query that the service would refuse as `ODataError`. */
export class QueryError extends Error {}

/**
 * Reads the query options of a list, as far as callers of this API use them.
 *
 * @param fields the properties that `$filter` and `$orderby` may name
 * @throws QueryError when an option is malformed or names another property
 */
export function parseListQuery(query: URLSearchParams, fields: readonly string[]): ListQuery {
  const top = query.get('$top');
  const pageSize = top === null ? undefined : wholeNumber('$top', top);
  if (pageSize !== undefined && pageSize > PAGE_MAXIMUM) {
    throw new QueryError(
      `The limit of '${PAGE_MAXIMUM}' for Top query has been exceeded. The value from the incoming request is '${top}'.`,
    );
  }
  return {
    matches: parseFilter(query.get('$filter') ?? '', fields),
    compare: parseOrder(query.get('$orderby'), fields),
    top: pageSize,
    skip: wholeNumber('$skip', query.get('$skip') ?? '0'),
    select: query
      .get('$select')
      ?.split(',')
      .map((name) => name.trim()),
  };
}

/** One condition at the start of the rest: `field operator literal` or `field in (literal, ...)`. */
const LITERAL = String.raw`'(?:[^']|'')*'|"[^"]*"|[\w:.+-]+`;
const CONDITION = new RegExp(
  String.raw`^\s*(\w+)\s+(?:(eq|ne|ge|gt|le|lt)\s+(${LITERAL})|in\s*\(\s*((?:${LITERAL})(?:\s*,\s*(?:${LITERAL}))*)\s*\))\s*(?:and\b|$)`,
  'i',
);

const COMPARISONS: Record<string, (order: number) => boolean> = {
  eq: (order) => order === 0,
  ne: (order) => order !== 0,
  ge: (order) => order >= 0,
  gt: (order) => order > 0,
  le: (order) => order <= 0,
  lt: (order) => order < 0,
};

function parseFilter(filter: string, fields: readonly string[]): (row: Row) => boolean {
  const conditions: ((row: Row) => boolean)[] = [];
  let rest = filter;
  while (rest.trim() !== '') {
    const [text, name, operator, literal, list] = CONDITION.exec(rest) ?? [];
    if (text === undefined || name === undefined || (/and\s*$/i.test(text) && text.length === rest.length)) {
      throw new QueryError(`Syntax error in $filter at '${rest}'.`);
    }
    const field = knownField(name, fields);
    if (operator !== undefined && literal !== undefined) {
      const holds = COMPARISONS[operator.toLowerCase()] as (order: number) => boolean;
      const wanted = literalValue(literal);
      conditions.push((row) => row[field] != null && holds(order(comparable(row[field]), wanted)));
    } else {
      const wanted = new Set((list?.match(new RegExp(LITERAL, 'g')) ?? []).map(literalValue));
      conditions.push((row) => wanted.has(comparable(row[field])));
    }
    rest = rest.slice(text.length);
  }
  return (row) => conditions.every((condition) => condition(row));
}

function parseOrder(text: string | null, fields: readonly string[]): ListQuery['compare'] {
  if (text === null) {
    return undefined;
  }
  const [, name, direction] = /^\s*(\w+)(?:\s+(asc|desc))?\s*$/i.exec(text) ?? [];
  if (name === undefined) {
    throw new QueryError(`Syntax error in $orderby at '${text}'.`);
  }
  const field = knownField(name, fields);
  const sign = direction?.toLowerCase() === 'desc' ? -1 : 1;
  return (left, right) => sign * order(comparable(left[field]), comparable(right[field]));
}

function knownField(name: string, fields: readonly string[]): string {
  const field = fields.find((candidate) => candidate.toLowerCase() === name.toLowerCase());
  if (field === undefined) {
    throw new QueryError(
      `Could not find a property named '${name}' that can be filtered. Known: ${fields.join(', ')}.`,
    );
  }
  return field;
}

function wholeNumber(option: string, text: string): number {
  if (!/^\d{1,9}$/.test(text)) {
    throw new QueryError(
      `Invalid value '${text}' for ${option} query option found. It must be a non-negative integer.`,
    );
  }
  return Number(text);
}

function literalValue(literal: string): string {
  if (literal.startsWith("'")) {
    return comparable(literal.slice(1, -1).replaceAll("''", "'"));
  }
  return comparable(literal.startsWith('"') ? literal.slice(1, -1) : literal);
}

const TIME = /^(\d{4}-\d\d-\d\dT\d\d:\d\d)(?::(\d\d)(?:\.(\d{1,7}))?)?Z$/i;

/** Times become texts of equal precision, so that comparing them as text is comparing them to the last 100 ns. */
function comparable(value: unknown): string {
  const text = String(value ?? '');
  const [, minute, second = '00', fraction = ''] = TIME.exec(text) ?? [];
  return minute === undefined ? text : `${minute}:${second}.${fraction.padEnd(7, '0')}`;
}

function order(left: string, right: string): number {
  return left === right ? 0 : left < right ? -1 : 1;
}
