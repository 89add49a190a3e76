import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectRoot } from '../infra/support/sources.ts';

/** A fenced block of a guide. */
export interface CodeBlock {
  language: string;
  text: string;
}

const FENCE = /^```(\w*)\n([\s\S]*?)^```$/gm;

export function readGuide(path: string): string {
  return readFileSync(join(projectRoot, path), 'utf8');
}

export function codeBlocks(guide: string): CodeBlock[] {
  return [...guide.matchAll(FENCE)].map(([, language = '', text = '']) => ({ language, text }));
}

/** What stands between single backticks, outside of fenced blocks. */
export function inlineCode(guide: string): string[] {
  return codeIn(guide.replaceAll(FENCE, ''));
}

/** What stands between single backticks in a cell of a table. */
export function codeIn(cell: string): string[] {
  return [...cell.matchAll(/`([^`\n]+)`/g)].map(([, code = '']) => code);
}

/** The rows of the tables below a heading, as the texts of their cells, without the rows of titles. */
export function tableRows(guide: string, heading: string): string[][] {
  const [, section = ''] = guide.split(new RegExp(`^#+ ${heading}$`, 'm'));
  const lines = section.split(/^#+ /m)[0]?.split('\n') ?? [];
  const rows = lines.map((line) =>
    line.startsWith('|')
      ? line
          .slice(1, -1)
          .split('|')
          .map((cell) => cell.trim())
      : [],
  );
  return rows.filter((cells, index) => cells.length > 0 && !isRule(cells) && !isRule(rows[index + 1]));
}

function isRule(cells: readonly string[] = []): boolean {
  return cells.length > 0 && cells.every((cell) => /^-+$/.test(cell));
}
