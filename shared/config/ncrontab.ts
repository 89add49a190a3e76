/** The fields of an NCRONTAB expression: the least and the greatest number, and names for the first numbers. */
const FIELDS: readonly { from: number; to: number; names?: readonly string[] }[] = [
  { from: 0, to: 59 },
  { from: 0, to: 59 },
  { from: 0, to: 23 },
  { from: 1, to: 31 },
  {
    from: 1,
    to: 12,
    names: ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'],
  },
  { from: 0, to: 6, names: ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] },
];

/**
 * Checks a timer's schedule: second, minute, hour, day, month and day of the week
 * (https://learn.microsoft.com/azure/azure-functions/functions-bindings-timer#ncrontab-expressions). The host would
 * only log a wrong one and leave the function out. Undefined when it is wrong.
 */
export function parseNcrontab(text: string): string | undefined {
  const parts = text.trim().split(/\s+/);
  const isRight =
    parts.length === FIELDS.length && parts.every((part, index) => isField(part, FIELDS[index]));
  return isRight ? parts.join(' ') : undefined;
}

function isField(text: string, field: (typeof FIELDS)[number] | undefined): boolean {
  return field !== undefined && text.split(',').every((item) => isItem(item, field));
}

/** `*`, a number or name, or two of them with a hyphen between; each with a step or without. */
function isItem(text: string, { from, to, names = [] }: (typeof FIELDS)[number]): boolean {
  const [, range = '', step = '1'] = /^([^/]+)(?:\/(\d{1,2}))?$/.exec(text) ?? [];
  if (Number(step) < 1 || Number(step) > to) return false;
  if (range === '*') return true;
  const numbers = range.split('-').map((part) => {
    const name = names.indexOf(part.toLowerCase());
    if (name >= 0) return from + name;
    return /^\d{1,2}$/.test(part) ? Number(part) : Number.NaN;
  });
  const [first = Number.NaN, last = first] = numbers;
  return numbers.length <= 2 && first >= from && first <= last && last <= to;
}
