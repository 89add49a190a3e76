import * as z from 'zod';

/** What is wrong with one setting. */
export interface SettingProblem {
  setting: string;
  /** What it got and what is allowed, or what to do. Never the value of a secret. */
  message: string;
}

/** Thrown when the app cannot start with the settings it was given; lists all that are wrong at once. */
export class SettingsError extends Error {
  override readonly name = 'SettingsError';
  readonly problems: readonly SettingProblem[];

  constructor(problems: readonly SettingProblem[]) {
    const heading = problems.length === 1 ? 'One setting is wrong' : `${problems.length} settings are wrong`;
    super([`${heading}:`, ...problems.map(({ setting, message }) => `- ${setting}: ${message}`)].join('\n'));
    this.problems = problems;
  }
}

/** What people are told about a setting: in docs/settings.md, in the sample, and when its value is wrong. */
export interface SettingNotes {
  /** What it is. */
  what: string;
  /** What is allowed, as the end of the sentence "allowed: ...". */
  allowed: string;
  /** The value that counts when none is set; absent when there is none. */
  default?: string;
  /** The value for a developer's machine where that is not the default. */
  local?: string;
  /** The words that the value consists of, with commas between: a misspelt one is answered by the nearest. */
  words?: readonly string[];
  /** True when the value must never be shown. */
  secret?: true;
}

/** The notes of every setting, kept with its schema. */
export const settingNotes = z.registry<SettingNotes>();

/** A setting that must be set where it is asked for. */
export function required<Value>(value: z.ZodType<Value, string>, notes: SettingNotes) {
  settingNotes.add(value, notes);
  return value;
}

/** A setting that may be absent. */
export function optional<Value>(value: z.ZodType<Value, string>, notes: SettingNotes) {
  const setting = value.optional();
  settingNotes.add(setting, notes);
  return setting;
}

/** A setting with a default, which is written as a person would write it. */
export function withDefault<Value>(
  value: z.ZodType<Value, string>,
  notes: SettingNotes & { default: string },
) {
  const setting = value.prefault(notes.default);
  settingNotes.add(setting, notes);
  return setting;
}

/** A text that `parse` understands; whatever it answers undefined to is wrong. */
export function parsedBy<Value>(parse: (text: string) => Value | undefined): z.ZodType<Value, string> {
  return z.string().transform((text, context) => {
    const value = parse(text);
    if (value !== undefined) {
      return value;
    }
    context.addIssue({ code: 'custom', input: text });
    return z.NEVER;
  });
}

/**
 * For the `when` of a check over several settings, which has something to say only where each of them is right.
 * Without it zod leaves the check out as soon as any other setting is wrong, and people would correct one at a time.
 */
export function whenValid(...names: string[]) {
  return ({ issues }: z.core.ParsePayload): boolean =>
    !issues.some(({ path }) => names.includes(String(path?.[0])));
}

const UNITS_MS = { d: 86_400_000, h: 3_600_000, m: 60_000, s: 1_000, ms: 1 } as const;
const DURATION = /^(\d+)(ms|s|m|h|d)$/;

/** Milliseconds of a duration such as `500ms`, `30s`, `2m`, `1h`, `7d` or `0`; undefined for any other text. */
export function parseDuration(text: string): number | undefined {
  if (text === '0') {
    return 0;
  }
  const [, amount, unit] = DURATION.exec(text) ?? [];
  if (amount === undefined || unit === undefined) {
    return undefined;
  }
  const milliseconds = Number(amount) * UNITS_MS[unit as keyof typeof UNITS_MS];
  return Number.isSafeInteger(milliseconds) ? milliseconds : undefined;
}

/** The shortest text that `parseDuration` reads back as the same whole number of milliseconds. */
export function formatDuration(milliseconds: number): string {
  if (milliseconds === 0) {
    return '0';
  }
  const [unit, size] = Object.entries(UNITS_MS).find(([, size]) => milliseconds % size === 0) ?? ['ms', 1];
  return `${milliseconds / size}${unit}`;
}
