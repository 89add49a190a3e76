import { inspect } from 'node:util';

/** A JSON object as `JSON.parse` makes it: fields by name, neither an array nor null. */
export type JsonObject = Record<string, unknown>;

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

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
    return error instanceof RangeError ? deepJsonText(value) : inspect(value);
  }
}

/** A value for an error message: quoted, printable and at most about 80 characters long. */
export function quote(value: unknown): string {
  if (value === undefined) {
    return 'missing';
  }
  const text = textOf(value);
  const shown = text.length > 80 ? `${text.slice(0, 80).toWellFormed()}…` : text;
  return typeof value === 'string' ? JSON.stringify(shown) : shown;
}

type Piece = { text: string } | { value: unknown };

/** JSON text with the nesting kept on a list of its own instead of the call stack. */
function deepJsonText(root: unknown): string {
  const pieces: string[] = [];
  const pending: Piece[] = [{ value: root }];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    if ('text' in next) {
      pieces.push(next.text);
    } else if (Array.isArray(next.value)) {
      const items = next.value.flatMap((value, index) => [{ text: index === 0 ? '' : ',' }, { value }]);
      putOff(pending, [{ text: '[' }, ...items, { text: ']' }]);
    } else if (isJsonObject(next.value)) {
      const fields = Object.entries(next.value).flatMap(([name, value], index) => [
        { text: `${index === 0 ? '' : ','}${JSON.stringify(name)}:` },
        { value },
      ]);
      putOff(pending, [{ text: '{' }, ...fields, { text: '}' }]);
    } else {
      pieces.push(JSON.stringify(next.value) ?? 'null');
    }
  }
  return pieces.join('');
}

/** Puts pieces on the list so that the first is taken next; one by one, for a list can be too long for a call. */
function putOff(pending: Piece[], pieces: Piece[]): void {
  for (const piece of pieces.reverse()) pending.push(piece);
}
