import { SettingsError } from '#shared/config/setting.ts';
import { readSettings, type Settings } from '#shared/config/settings.ts';

/** The only setting without which the app does not start. */
const enough = { AlertsStorage: 'UseDevelopmentStorage=true' };

/** Reads settings that are complete but for those given. */
export function settingsWith(environment: Record<string, string | undefined>): Settings {
  return readSettings({ ...enough, ...environment });
}

/** What is said to be wrong with settings that are complete but for those given, by setting. */
export function problemsWith(environment: Record<string, string | undefined>): Record<string, string> {
  return problemsOf({ ...enough, ...environment });
}

/** What is said to be wrong with these settings alone, by setting. */
export function problemsOf(environment: Record<string, string | undefined>): Record<string, string> {
  try {
    readSettings(environment);
    return {};
  } catch (error) {
    if (!(error instanceof SettingsError)) {
      throw error;
    }
    return Object.fromEntries(error.problems.map(({ setting, message }) => [setting, message]));
  }
}
