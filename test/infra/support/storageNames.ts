import { readSettings, type Settings } from '#shared/config/settings.ts';
import { appSettings } from './appSettings.ts';
import type { Deployment } from './bicep.ts';

/** Queues and tables that are made under other names than the app or the code's defaults call them. */
export function nameProblems(deployment: Deployment): string[] {
  const made = (type: string) =>
    deployment.resources
      .filter((resource) => resource.type === `Microsoft.Storage/storageAccounts/${type}`)
      .map(({ name }) => name)
      .sort();
  const queues = made('queueServices/queues');
  const tables = made('tableServices/tables');
  const compare = (who: string, settings: Settings) => [
    ...differences(`queues, ${who}`, queues, Object.values(settings.queues)),
    ...differences(`tables, ${who}`, tables, Object.values(settings.tables)),
  ];
  return [
    ...compare('by the settings', readSettings(appSettings(deployment))),
    ...compare('by the code', readSettings({ AlertsStorage: 'UseDevelopmentStorage=true' })),
  ];
}

function differences(what: string, made: readonly string[], named: readonly string[]): string[] {
  const wanted = [...named].sort();
  return made.join() === wanted.join() ? [] : [`${what}: made ${made.join()}, named ${wanted.join()}`];
}
