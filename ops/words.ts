import { ageInWords } from '#shared/text.ts';

/** Rows as columns with space between them; the first row is the heading. */
export function columns(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}

/** Such as `3 h`. */
export function ageOf(time: Date, now: Date): string {
  return ageInWords(Math.max(0, now.getTime() - time.getTime()) / 1_000);
}

/** A time to the second, in UTC. */
export function timeOf(time: Date): string {
  return `${time.toISOString().slice(0, 19)}Z`;
}
