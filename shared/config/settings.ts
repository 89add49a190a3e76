import { closestMatch } from 'leven';
import type * as z from 'zod';
import { httpSchema, httpSettings } from './httpSettings.ts';
import { messageSchema, messageSettings } from './outputSettings.ts';
import { pollSchema, pollSettings } from './pollSettings.ts';
import { type SettingNotes, type SettingProblem, SettingsError, settingNotes } from './setting.ts';
import { sourceSchema, sourceSettings } from './sourceSettings.ts';
import {
  storageConnectionSchema,
  storageConnectionSettings,
  storageNameSettings,
  storageNamesSchema,
} from './storageSettings.ts';
import { telemetrySchema, telemetrySettings } from './telemetrySettings.ts';
import { tenantSchema, tenantSettings } from './tenantSettings.ts';
import { timingSchema, timingSettings } from './timingSettings.ts';

const settingsSchema = storageNamesSchema
  .and(storageConnectionSchema)
  .and(sourceSchema)
  .and(tenantSchema)
  .and(timingSchema)
  .and(messageSchema)
  .and(pollSchema)
  .and(httpSchema)
  .and(telemetrySchema);

/** Everything a person can set, checked. Names that end in `Ms` hold milliseconds. */
export type Settings = z.output<typeof settingsSchema> & {
  /** What was set, by name and as it was written, so that a tenant's settings can be made of it. Holds secrets. */
  given: Readonly<Record<string, string>>;
};

/** Every setting by name, in the order of the documentation. */
export const settingsCatalogue: ReadonlyMap<string, SettingNotes> = new Map(
  Object.entries({
    ...storageNameSettings.shape,
    ...storageConnectionSettings,
    ...sourceSettings.shape,
    ...tenantSettings.shape,
    ...timingSettings.shape,
    ...messageSettings.shape,
    ...pollSettings.shape,
    ...httpSettings.shape,
    ...telemetrySettings.shape,
  }).map(([name, schema]) => [name, notesOf(schema)]),
);

/**
 * Reads the settings from environment variables. An empty one counts as not set, and unknown ones are left alone,
 * except where they look like a misspelt setting of ours.
 * @throws SettingsError that lists every wrong setting.
 * @example readSettings({ AlertsStorage: 'UseDevelopmentStorage=true' }).queues.alerts // 'alerts'
 */
export function readSettings(environment: Record<string, string | undefined>): Settings {
  const { values, nameGiven } = withoutHostPrefix(settingsThatAreSet(environment));
  // Compiling the schemas, as zod does otherwise, costs more than it saves: they are used once, at the start.
  const result = settingsSchema.safeParse(values, { jitless: true });
  const wrong = new Set(result.error?.issues.map(({ path }) => path[0]));
  const problems: SettingProblem[] = [
    ...[...settingsCatalogue]
      .filter(([name]) => wrong.has(name))
      .map(([name, notes]) => ({ setting: nameGiven(name), message: whatIsWrong(values[name], notes) })),
    ...Object.keys(values).filter(isMisspelt).map(misspelt),
  ];
  if (!result.success || problems.length > 0) {
    throw new SettingsError(problems);
  }
  const given = Object.entries(values).filter(([name]) => settingsCatalogue.has(name));
  return { ...result.data, given: Object.fromEntries(given) };
}

function notesOf(schema: z.ZodType): SettingNotes {
  const notes = settingNotes.get(schema);
  if (notes === undefined) {
    throw new Error('A setting was declared without its notes.');
  }
  return notes;
}

function settingsThatAreSet(environment: Record<string, string | undefined>): Record<string, string> {
  const set = Object.entries(environment).filter((entry): entry is [string, string] => Boolean(entry[1]));
  return Object.fromEntries(set);
}

/**
 * The Functions host looks for a connection under `AzureWebJobs<name>` first, and then does not look further
 * (https://learn.microsoft.com/azure/azure-functions/functions-bindings-storage-queue-trigger#connections).
 * Brings such a connection under its plain name; `nameGiven` tells what a person had called it.
 */
function withoutHostPrefix(settings: Record<string, string>) {
  const prefixed = /^AzureWebJobs(?=AlertsStorage(__|$))/;
  const plain = /^AlertsStorage(__|$)/;
  if (!Object.keys(settings).some((name) => prefixed.test(name))) {
    return { values: settings, nameGiven: (name: string) => name };
  }
  const values = Object.entries(settings)
    .filter(([name]) => !plain.test(name))
    .map(([name, value]) => [name.replace(prefixed, ''), value]);
  return {
    values: Object.fromEntries(values) as Record<string, string>,
    nameGiven: (name: string) => (plain.test(name) ? `AzureWebJobs${name}` : name),
  };
}

function whatIsWrong(value: string | undefined, notes: SettingNotes): string {
  const got =
    value === undefined && notes.default !== undefined
      ? `nothing, which means ${JSON.stringify(notes.default)}`
      : shownValue(value, notes.secret === true);
  return `got ${got}; allowed: ${notes.allowed}.${hintAtWords(value, notes.words)}`;
}

function hintAtWords(value = '', words: readonly string[] = []): string {
  const isKnown = (part: string) => words.some((word) => word.toLowerCase() === part.toLowerCase());
  const unknown = value
    .split(',')
    .map((part) => part.trim())
    .find((part) => part !== '' && !isKnown(part));
  const nearest = unknown && closestMatch(unknown, words);
  return nearest ? ` Did you mean ${nearest}?` : '';
}

function isMisspelt(name: string): boolean {
  return /^(DEFENDER|GRAPH|HUNTING|ALERT_POLL)_/.test(name) && !settingsCatalogue.has(name);
}

function misspelt(name: string): SettingProblem {
  const nearest = closestMatch(name, [...settingsCatalogue.keys()]);
  return {
    setting: name,
    message: `there is no such setting; did you mean ${nearest}? Rename or remove it.`,
  };
}

/** What gives away that a secret went into the wrong setting: a user in an address, a query, a key in a list. */
const SECRET_INSIDE = /[@?]|(key|sig|signature|secret|password)\s*=/i;
const LONGEST_SHOWN = 120;

/** What a setting got, for an error message: quoted and cut short, or only that it is hidden. */
export function shownValue(value: string | undefined, secret: boolean): string {
  if (value === undefined) {
    return 'nothing';
  }
  if (secret || SECRET_INSIDE.test(value)) {
    return 'a value that is not shown because it may hold a secret';
  }
  return value.length > LONGEST_SHOWN
    ? `${JSON.stringify(value.slice(0, LONGEST_SHOWN))} (cut short)`
    : JSON.stringify(value);
}
