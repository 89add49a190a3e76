import { stripVTControlCharacters, styleText } from 'node:util';

/** The value of a JSON text; undefined when there is none, or it is no JSON. */
export function parseJson(text: string | undefined): unknown {
  if (text === undefined) {
    return undefined;
  }
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const COLOURS: Record<string, Parameters<typeof styleText>[0]> = {
  enriched: 'green',
  not_found: 'yellow',
  failed: 'red',
  High: 'red',
  Medium: 'yellow',
};

/** An outcome or a level in the colour of its weight; no colour where the output shows none. */
export function coloured(word: string): string {
  const colour = COLOURS[word];
  return colour === undefined ? word : styleText(colour, word);
}

/** A text from outside, safe to print: nothing in it can move the cursor, colour, or break the line. */
export function printable(text: string): string {
  return stripVTControlCharacters(text).replaceAll(/[\p{C}\p{Zl}\p{Zp}]/gu, '·');
}

/** A long text with the middle left out. */
export function shortened(text: string, length: number): string {
  if (text.length <= length) {
    return text;
  }
  const tail = Math.floor((length - 1) / 3);
  return `${text.slice(0, length - 1 - tail)}…${text.slice(text.length - tail)}`;
}

/** A number of seconds in the largest unit that fits, such as `3 h`. */
export function ageInWords(seconds: number): string {
  if (seconds < 60) {
    return `${Math.round(seconds)} s`;
  }
  if (seconds < 3_600) {
    return `${Math.floor(seconds / 60)} min`;
  }
  if (seconds < 86_400) {
    return `${Math.floor(seconds / 3_600)} h`;
  }
  return `${Math.floor(seconds / 86_400)} d`;
}

/** `1 alert`, `2 alerts`, `1,500 alerts`. */
export function counted(count: number, noun: string): string {
  return `${count.toLocaleString('en')} ${noun}${count === 1 ? '' : 's'}`;
}

/** Rows as columns with space between them. Colours take no room. */
export function columns(rows: readonly (readonly string[])[]): string[] {
  const widthOf = (cell = '') => stripVTControlCharacters(cell).length;
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => widthOf(row[column]))));
  return rows.map((row) =>
    row
      .map((cell, column) => cell + ' '.repeat((widths[column] ?? 0) - widthOf(cell)))
      .join('  ')
      .trimEnd(),
  );
}
