/** The fields of an NCRONTAB expression: the least and the greatest number, and names from the first number on. */
const FIELDS: readonly { from: number; to: number; names?: readonly string[] }[] = [
  { from: 0, to: 59 },
  { from: 0, to: 59 },
  { from: 0, to: 23 },
  { from: 1, to: 31 },
  {
    from: 1,
    to: 12,
    names: [
      'january',
      'february',
      'march',
      'april',
      'may',
      'june',
      'july',
      'august',
      'september',
      'october',
      'november',
      'december',
    ],
  },
  { from: 0, to: 6, names: ['sunday', 'monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday'] },
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
  if (Number(step) < 1 || Number(step) > to) {
    return false;
  }
  if (range === '*') {
    return true;
  }
  const numbers = range.split('-').map((part) => numberOf(part, { from, to, names }));
  const [first = Number.NaN, last = first] = numbers;
  return numbers.length <= 2 && first >= from && first <= last && last <= to;
}

/** The number that a number or a name stands for; NaN for anything else. */
function numberOf(part: string, field: (typeof FIELDS)[number] | undefined): number {
  const { from = 0, names = [] } = field ?? {};
  const name = names.findIndex((full) => isNameOf(part.toLowerCase(), full));
  if (name >= 0) {
    return from + name;
  }
  return /^\d{1,2}$/.test(part) ? Number(part) : Number.NaN;
}

/** In full, or its first three letters. */
function isNameOf(text: string, full: string): boolean {
  return text === full || text === full.slice(0, 3);
}

const MINUTE_MS = 60_000;
/** Long enough for any schedule that comes each month. */
const LOOKED_AT_MINUTES = 63 * 24 * 60;

/**
 * The longest time between two runs of a schedule that `parseNcrontab` has taken, in milliseconds, from a moment on;
 * to the minute, and as long as two months at the most.
 */
export function longestGapMs(schedule: string, from: Date): number {
  const runsAt = minuteMatcher(schedule);
  const start = Math.ceil(from.getTime() / MINUTE_MS);
  let last = start;
  let longest = 0;
  for (let minute = start; minute <= start + LOOKED_AT_MINUTES; minute += 1) {
    if (!runsAt(minute)) {
      continue;
    }
    longest = Math.max(longest, minute - last);
    last = minute;
  }
  return Math.max(longest, last === start ? LOOKED_AT_MINUTES : 1) * MINUTE_MS;
}

/** No timer is caught up on after a longer pause. */
const LONGEST_PAUSE_MINUTES = 60;

/**
 * Whether a schedule that `parseNcrontab` has taken has a run after one moment and up to another; to the minute, so that
 * one which runs several times in a minute has one run there.
 * @example
 * const [ten, eleven] = [new Date('2026-01-01T10:00:00Z'), new Date('2026-01-01T11:00:00Z')];
 * hasRunBetween('0 30 * * * *', ten, eleven); // true: at 10:30
 */
export function hasRunBetween(schedule: string, after: Date, until: Date): boolean {
  const runsAt = minuteMatcher(schedule);
  const last = Math.round(until.getTime() / MINUTE_MS);
  const first = Math.max(Math.round(after.getTime() / MINUTE_MS) + 1, last - LONGEST_PAUSE_MINUTES + 1);
  for (let minute = first; minute <= last; minute += 1) {
    if (runsAt(minute)) {
      return true;
    }
  }
  return false;
}

/** Says of a minute, counted from 1970, whether the schedule has a run in it. */
function minuteMatcher(schedule: string): (minute: number) => boolean {
  const [, ...parts] = schedule.split(' ');
  const fields = parts.map((part, index) => valuesOf(part, FIELDS[index + 1]));
  return (minute) => {
    const time = new Date(minute * MINUTE_MS);
    const now = [
      time.getUTCMinutes(),
      time.getUTCHours(),
      time.getUTCDate(),
      time.getUTCMonth() + 1,
      time.getUTCDay(),
    ];
    return now.every((value, index) => fields[index]?.has(value));
  };
}

/** All numbers that a field takes. */
function valuesOf(text: string, field: (typeof FIELDS)[number] | undefined): Set<number> {
  const { from = 0, to = 0 } = field ?? {};
  const numbers = Array.from({ length: to - from + 1 }, (_, index) => from + index);
  const matches = (item: string) => {
    const [range = '', step = '1'] = item.split('/');
    const [first = from, last = item.includes('/') ? to : first] =
      range === '*' ? [from, to] : range.split('-').map((part) => numberOf(part, field));
    return numbers.filter((value) => value >= first && value <= last && (value - first) % Number(step) === 0);
  };
  return new Set(text.split(',').flatMap(matches));
}
