import type { Deployed, Deployment } from './bicep.ts';
import { ofKind, type Sources } from './sources.ts';

/** Functions and words by which a key would get into a template. */
const KEYS = /\blist[A-Z]\w*\s*\(|\.listKeys|accountKey|AccountKey=|SharedAccessSignature|sig=|clientSecret/i;

/** Lines of the templates that get or hold a key. */
export function keyProblems(sources: Sources): string[] {
  return [...ofKind(sources, '.bicep'), ...ofKind(sources, '.json')].flatMap(([path, text]) =>
    text
      .split('\n')
      .map((line, index) => ({ line, place: `${path}:${index + 1}` }))
      .filter(({ line }) => KEYS.test(line))
      .map(({ line, place }) => `${place}: ${line.trim()}`),
  );
}

/** What a resource must say so that only identities get in. */
const RULES: { type: string; path: string[]; value: unknown }[] = [
  { type: 'Microsoft.Storage/storageAccounts', path: ['allowSharedKeyAccess'], value: false },
  { type: 'Microsoft.Storage/storageAccounts', path: ['allowBlobPublicAccess'], value: false },
  { type: 'Microsoft.Storage/storageAccounts', path: ['minimumTlsVersion'], value: 'TLS1_2' },
  { type: 'Microsoft.Storage/storageAccounts', path: ['supportsHttpsTrafficOnly'], value: true },
  {
    type: 'Microsoft.Storage/storageAccounts/blobServices/containers',
    path: ['publicAccess'],
    value: 'None',
  },
  { type: 'Microsoft.OperationalInsights/workspaces', path: ['features', 'disableLocalAuth'], value: true },
  { type: 'Microsoft.Insights/components', path: ['DisableLocalAuth'], value: true },
  { type: 'Microsoft.Web/sites', path: ['httpsOnly'], value: true },
  { type: 'Microsoft.Web/sites', path: ['siteConfig', 'minTlsVersion'], value: '1.2' },
  {
    type: 'Microsoft.Web/sites',
    path: ['functionAppConfig', 'deployment', 'storage', 'authentication', 'type'],
    value: 'UserAssignedIdentity',
  },
  { type: 'Microsoft.Web/sites/basicPublishingCredentialsPolicies', path: ['allow'], value: false },
];

/** Doors that are open to others than identities. */
export function openDoorProblems({ resources }: Deployment): string[] {
  return RULES.flatMap(({ type, path, value }) => {
    const subjects = resources.filter((resource) => resource.type === type);
    if (subjects.length === 0) {
      return [`there is no ${type}`];
    }
    return subjects
      .filter((resource) => at(resource, path) !== value)
      .map(({ name }) => `${type} ${name}: ${path.join('.')} is not ${JSON.stringify(value)}`);
  });
}

function at({ body }: Deployed, path: readonly string[]): unknown {
  return path.reduce<unknown>(
    (value, key) => (value as Record<string, unknown> | undefined)?.[key],
    body.properties,
  );
}
