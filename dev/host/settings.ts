import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import * as z from 'zod';

/** App settings as the functions see them: environment variables. */
export type Settings = Record<string, string>;

const localSettingsSchema = z.object({ Values: z.record(z.string(), z.coerce.string()).default({}) });

/**
 * The settings of a local run: the environment, then `Values` of local.settings.json where that file exists and
 * `LOCAL_HOST_SETTINGS` is not `environment`, then what marks a development host. What is set earlier wins.
 * @throws Error when local.settings.json cannot be read as such.
 */
export function loadSettings(appRoot: string, environment: NodeJS.ProcessEnv): Settings {
  const settings: Settings = {
    AZURE_FUNCTIONS_ENVIRONMENT: 'Development',
    FUNCTIONS_WORKER_RUNTIME: 'node',
    ...(environment.LOCAL_HOST_SETTINGS !== 'environment' &&
      localValues(resolve(appRoot, 'local.settings.json'))),
  };
  for (const [name, value] of Object.entries(environment)) {
    if (value !== undefined) {
      settings[name] = value;
    }
  }
  return settings;
}

function localValues(path: string): Settings {
  if (!existsSync(path)) {
    return {};
  }
  try {
    return localSettingsSchema.parse(JSON.parse(readFileSync(path, 'utf8'))).Values;
  } catch (error) {
    throw new Error(
      `${path} is not of the form {"Values": {"NAME": "text", ...}}: ${error instanceof Error ? error.message : error}`,
    );
  }
}

/**
 * Replaces each `%NAME%` by the setting of that name.
 * @throws Error when a setting is missing.
 */
export function resolveNames(text: string, settings: Settings): string {
  return text.replaceAll(/%([^%]+)%/g, (_, name: string) => {
    const value = settings[name];
    if (value === undefined) {
      throw new Error(`"${text}" needs the setting ${name}, and it is not set.`);
    }
    return value;
  });
}

/** Whether `AzureWebJobs.<function>.Disabled` switches a function off. */
export function isDisabled(functionName: string, settings: Settings): boolean {
  const value = settings[`AzureWebJobs.${functionName}.Disabled`];
  return value === '1' || value?.toLowerCase() === 'true';
}

const leaseSchema = z.coerce.number().int().min(1).max(604_800);

/**
 * How long a message stays hidden while it is worked on, in seconds: the host's fixed ten minutes, unless
 * `LOCAL_HOST_LEASE_SECONDS` shortens it.
 * @throws Error when that setting is no whole number of seconds that Storage allows.
 */
export function leaseSeconds(settings: Settings): number {
  const value = settings.LOCAL_HOST_LEASE_SECONDS || '600';
  const parsed = leaseSchema.safeParse(value);
  if (parsed.success) {
    return parsed.data;
  }
  throw new Error(`LOCAL_HOST_LEASE_SECONDS is "${value}". Give whole seconds from 1 to 604800, e.g. 600.`);
}
