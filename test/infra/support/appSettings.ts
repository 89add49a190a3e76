import { SettingsError } from '#shared/config/setting.ts';
import { readSettings, settingsCatalogue } from '#shared/config/settings.ts';
import type { Deployment } from './bicep.ts';

/** Settings that the Functions host reads, and not the app. */
const HOST_SETTINGS = new Set([
  'AzureWebJobsStorage__blobServiceUri',
  'AzureWebJobsStorage__credential',
  'AzureWebJobsStorage__clientId',
  'APPLICATIONINSIGHTS_CONNECTION_STRING',
  'APPLICATIONINSIGHTS_AUTHENTICATION_STRING',
]);

/** Settings of the app that must not be left to their defaults: the template has made what they name. */
const SET_ALWAYS = [
  'ALERTS_QUEUE',
  'ENRICHMENTS_QUEUE',
  'ENRICHMENTS_TABLE',
  'STATE_TABLE',
  'AlertsStorage__queueServiceUri',
  'AlertsStorage__tableServiceUri',
  'AlertsStorage__credential',
  'AlertsStorage__clientId',
  'AZURE_CLIENT_ID',
  'DEFENDER_CLOUD',
  'HTTP_AUTHORIZATION',
];

/** The settings that the deployed app has. */
export function appSettings({ resources }: Deployment): Record<string, string> {
  const app = resources.find(({ type }) => type === 'Microsoft.Web/sites');
  if (app === undefined) {
    throw new Error('No app is deployed.');
  }
  const { siteConfig } = app.body.properties as {
    siteConfig: { appSettings: { name: string; value: string }[] };
  };
  return Object.fromEntries(siteConfig.appSettings.map(({ name, value }) => [name, value]));
}

/** What the app or the host would not know, lack or refuse. */
export function settingsProblems(settings: Record<string, string>): string[] {
  const names = Object.keys(settings);
  return [
    ...names
      .filter((name) => !settingsCatalogue.has(name) && !HOST_SETTINGS.has(name))
      .map((name) => `there is no setting ${name}`),
    ...[...SET_ALWAYS, ...HOST_SETTINGS]
      .filter((name) => !settings[name])
      .map((name) => `${name} is not set`),
    ...refused(settings),
  ];
}

function refused(settings: Record<string, string>): string[] {
  try {
    readSettings(settings);
    return [];
  } catch (error) {
    if (error instanceof SettingsError) {
      return error.problems.map(({ setting, message }) => `${setting}: ${message}`);
    }
    throw error;
  }
}
