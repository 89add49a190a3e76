import { stripVTControlCharacters } from 'node:util';
import { columns } from '#shared/text.ts';

/** The colors and weights that `npm start` uses, by their ANSI number. */
const STYLES: Record<string, string> = {
  '1': 'font-weight:bold',
  '4': 'text-decoration:underline',
  '31': 'color:#ff7b72',
  '32': 'color:#7ee787',
  '33': 'color:#e3b341',
};

const LINE_HEIGHT = 1.5;
/** The width of a character of the font, in its size. */
const ADVANCE = 0.602;

/** A page with the size of the window that shows all of it and no more. */
export interface TerminalPage {
  html: string;
  width: number;
  height: number;
}

/**
 * The outcomes in what `npm start -- --once` printed, as a terminal shows them; the dead letters are too wide. With
 * `titles` only these columns of the table, in larger type, for a narrow screen.
 */
export function terminalPage(output: string, titles?: readonly string[]): TerminalPage {
  const lines = output.trimEnd().split('\n');
  const outcomes = lines.findIndex((line) => line.includes('Outcomes'));
  const deadLetters = lines.findIndex((line) => line.includes('Dead letters'));
  if (outcomes < 0 || deadLetters < outcomes) {
    throw new Error(`The demo printed no outcomes:\n${output}`);
  }
  const table = lines.slice(outcomes + 2, deadLetters - 1);
  const all = titlesOf(table).length;
  const shown = [
    titles === undefined ? '$ npm start' : `$ npm start    (${titles.length} of its ${all} columns)`,
    '',
    ...(titles === undefined ? table : withColumns(table, titles)),
    '',
    lines.at(-1) ?? '',
  ];
  const { fontSize, padding } =
    titles === undefined ? { fontSize: 12, padding: 20 } : { fontSize: 16, padding: 8 };
  const longest = Math.max(...shown.map((line) => stripVTControlCharacters(line).length));
  const html = `<!doctype html><meta charset="utf-8">
<style>
  body { margin: 0; padding: ${padding}px; background: #0d1117; color: #d0d7de; }
  pre { margin: 0; font: ${fontSize}px/${LINE_HEIGHT} 'DejaVu Sans Mono', 'Liberation Mono', monospace; }
</style>
<pre>${shown.map(htmlOf).join('\n')}</pre>`;
  return {
    html,
    width: Math.ceil(longest * fontSize * ADVANCE) + 2 * padding,
    height: Math.ceil(shown.length * fontSize * LINE_HEIGHT) + 2 * padding,
  };
}

/** The table with these columns alone, as wide as they need to be. */
function withColumns(table: readonly string[], titles: readonly string[]): string[] {
  const all = titlesOf(table);
  const spans = titles.map((title) => {
    const index = all.findIndex((other) => other.title === title);
    const [column, next] = all.slice(index, index + 2);
    if (index < 0 || column === undefined) {
      throw new Error(`The demo printed no column "${title}".`);
    }
    return { from: column.from, to: next?.from ?? Number.POSITIVE_INFINITY };
  });
  return columns(table.map((line) => spans.map(({ from, to }) => cut(line, from, to).trimEnd())));
}

/** The titles in the head of the table, with the places at which their columns begin. */
function titlesOf([head = '']: readonly string[]): { title: string; from: number }[] {
  const titles = stripVTControlCharacters(head).matchAll(/\S+(?: \S+)*/g);
  return [...titles].map(({ 0: title, index }) => ({ title, from: index }));
}

/** What a line shows from one place to another, with the colors that begin or end there. */
function cut(line: string, from: number, to: number): string {
  let place = 0;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the escape character begins each change of style.
  const parts = line.match(/\u001b\[\d+m|./gu) ?? [];
  return parts
    .filter((part) => {
      const isShown = place >= from && place < to;
      place += part.length === 1 ? 1 : 0;
      return isShown;
    })
    .join('');
}

function htmlOf(line: string): string {
  const text = line.trimEnd().replaceAll('&', '&amp;').replaceAll('<', '&lt;');
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the escape character begins each change of style.
  return text.replaceAll(/\u001b\[(\d+)m/g, (_, code: string) =>
    code in STYLES ? `<span style="${STYLES[code]}">` : '</span>',
  );
}
