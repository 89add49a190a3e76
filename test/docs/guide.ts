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

/** What stands below a heading, up to the next one of its level or above; without fenced blocks. */
export function sectionOf(guide: string, heading: string): string {
  const lines = guide.replaceAll(FENCE, '').split('\n');
  const start = lines.findIndex((line) => headingIn(line)?.name === heading);
  const level = headingIn(lines[start])?.level ?? 0;
  const below = start < 0 ? [] : lines.slice(start + 1);
  const end = below.findIndex((line) => (headingIn(line)?.level ?? Number.POSITIVE_INFINITY) <= level);
  return below.slice(0, end < 0 ? undefined : end).join('\n');
}

/** The names of the headings in a section, with the text below each up to the next one. */
export function partsOf(section: string): [name: string, text: string][] {
  const parts: [string, string][] = [];
  for (const line of section.split('\n')) {
    const heading = headingIn(line);
    const last = parts.at(-1);
    if (heading !== undefined) {
      parts.push([heading.name, '']);
    } else if (last !== undefined) {
      last[1] += `${line}\n`;
    }
  }
  return parts;
}

function headingIn(line = ''): { level: number; name: string } | undefined {
  const [, marks = '', name = ''] = /^(#+) (.+)$/.exec(line) ?? [];
  return name === '' ? undefined : { level: marks.length, name };
}

/** The items of the lists in a text: each as its own line and the lines of the items below it, without their marks. */
export function listItems(text: string): string[][] {
  const items: string[][] = [];
  for (const [, indent, line = ''] of text.matchAll(/^( {2})?- (.+)$/gm)) {
    if (indent === undefined) {
      items.push([line]);
    } else {
      items.at(-1)?.push(line);
    }
  }
  return items;
}

/** The text behind `label: ` of those lines that have it. */
export function labelled(lines: readonly string[], label: string): string[] {
  return lines.flatMap((line) => (line.startsWith(`${label}:`) ? [line.slice(label.length + 1).trim()] : []));
}

function isRule(cells: readonly string[] = []): boolean {
  return cells.length > 0 && cells.every((cell) => /^-+$/.test(cell));
}
