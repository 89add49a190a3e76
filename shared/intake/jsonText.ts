import { inspect } from 'node:util';
import { isJsonObject } from './jsonObject.ts';

/**
 * The text of any value, as JSON where it is a JSON value; a string is its own text. Never throws:
 * `JSON.parse` accepts 64 KiB of brackets that `JSON.stringify` fails on with a full call stack.
 */
export function textOf(value: unknown): string {
  if (typeof value === 'string') {
    return value;
  }
  try {
    return JSON.stringify(value) ?? String(value);
  } catch (error) {
    return error instanceof RangeError ? collect(value) : inspect(value);
  }
}

const LONGEST_QUOTE = 80;

/** A value for an error message: quoted, printable and at most about 80 characters long, however large it is. */
export function quote(value: unknown): string {
  if (value === undefined) {
    return 'missing';
  }
  const text = typeof value === 'string' ? value : collect(value, LONGEST_QUOTE + 1);
  const shown = text.length > LONGEST_QUOTE ? `${text.slice(0, LONGEST_QUOTE).toWellFormed()}…` : text;
  return typeof value === 'string' ? JSON.stringify(shown) : shown;
}

/** JSON text from its beginning to `enough` characters or a little more; no part behind is looked at. */
function collect(root: unknown, enough = Number.POSITIVE_INFINITY): string {
  const parts: string[] = [];
  let length = 0;
  // The nesting is kept in a list instead of the call stack, which 64 KiB of brackets would fill.
  const pending: Iterator<string | { value: unknown }>[] = [piecesOf(root)];
  for (let pieces = pending.at(-1); pieces !== undefined && length < enough; pieces = pending.at(-1)) {
    const { done, value: piece } = pieces.next();
    if (done) {
      pending.pop();
    } else if (typeof piece === 'string') {
      parts.push(piece);
      length += piece.length;
    } else {
      pending.push(piecesOf(piece.value));
    }
  }
  return parts.join('');
}

/** The text of a value in pieces, made one by one; a value inside stands for itself. */
function* piecesOf(value: unknown): Generator<string | { value: unknown }, undefined> {
  if (Array.isArray(value)) {
    let separator = '[';
    for (const item of value) {
      yield separator;
      yield { value: item };
      separator = ',';
    }
    yield separator === '[' ? '[]' : ']';
  } else if (isJsonObject(value)) {
    let separator = '{';
    for (const name in value) {
      yield `${separator}${JSON.stringify(name)}:`;
      yield { value: value[name] };
      separator = ',';
    }
    yield separator === '{' ? '{}' : '}';
  } else {
    // A caller's own value may be none of JSON's: a big integer, say.
    yield typeof value === 'bigint' ? inspect(value) : (JSON.stringify(value) ?? 'null');
  }
  return undefined;
}
