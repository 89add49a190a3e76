import * as z from 'zod';

/** What people are told about a setting: in the README, in the sample, and when its value is wrong. */
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
