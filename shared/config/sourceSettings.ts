import * as z from 'zod';
import {
  CLOUD_NAMES,
  CLOUDS,
  GEO_NAMES,
  GRAPH_API_URLS,
  geoApiUrl,
  parseDefenderUrl,
  parseGraphUrl,
} from './apiHosts.ts';
import { parseRateLimits } from './rateLimits.ts';
import { optional, parsedBy, whenValid, withDefault } from './setting.ts';

/** An audience as Entra ID takes it, by address or by application ID, and all of the app's roles in it. */
const TOKEN_SCOPE = /^((https|api):\/\/[\w.:/-]+|[\da-f-]{36})\/\.default$/i;

const RATE_LIMITS =
  'one or more of calls/window with commas between, such as `100/1m,1500/1h`; the calls a whole number from 1 to 50000, the window a duration longer than 0';

/** Where machines come from: one of the two sources, or Defender while it serves and then Graph. */
export const SOURCE_CHOICES = ['defender', 'graph', 'auto'] as const;
export type SourceChoice = (typeof SOURCE_CHOICES)[number];

/** The settings of the APIs that machines come from. */
export const sourceSettings = z.object({
  ENRICHMENT_SOURCE: withDefault(z.enum(SOURCE_CHOICES), {
    default: 'defender',
    what: 'API that devices are looked up in: Defender for Endpoint, Microsoft Graph, or Defender while it serves and Graph once it is gone (docs/graph.md).',
    allowed: list(SOURCE_CHOICES),
    words: SOURCE_CHOICES,
  }),
  DEFENDER_CLOUD: withDefault(z.enum(CLOUD_NAMES), {
    default: 'commercial',
    what: 'Cloud of the Defender tenant; sets the hosts and token audiences of the APIs.',
    allowed: list(CLOUD_NAMES),
  }),
  DEFENDER_GEO: optional(z.enum(GEO_NAMES), {
    what: 'Region whose own API host is called, nearer to the data.',
    allowed: `${list(GEO_NAMES)}; with \`DEFENDER_CLOUD\` \`commercial\` only`,
  }),
  DEFENDER_API_URL: optional(parsedBy(parseDefenderUrl), {
    what: 'API host to call in place of that of cloud and region (`https://api.securitycenter.microsoft.com` for `commercial`). It is handed the token, so only Defender itself is allowed.',
    allowed:
      'https and a host under `api.security.microsoft.com`, `securitycenter.microsoft.com`, `securitycenter.windows.com`, `securitycenter.microsoft.us` or `security.microsoft.us`; a loopback address by http or https where `AZURE_FUNCTIONS_ENVIRONMENT` is `Development`; no user, path, query or fragment',
  }),
  DEFENDER_TOKEN_SCOPE: optional(z.string().regex(TOKEN_SCOPE), {
    what: 'What tokens are asked for, in place of the audience of the cloud (`https://api.securitycenter.microsoft.com/.default` for `commercial`).',
    allowed: 'an audience (https or api address, or application ID) with `/.default` at its end',
  }),
  AZURE_CLIENT_ID: optional(z.guid(), {
    what: 'User-assigned managed identity that calls Defender and Graph; the system-assigned one when left out.',
    allowed: 'a client ID (GUID), not the principal ID',
  }),
  AZURE_TENANT_ID: optional(z.string(), {
    what: "The deployment's own tenant: an alert that names another one is a dead letter. The tenant of the Defender token when left out.",
    allowed: 'a tenant ID (GUID)',
  }),
  DEFENDER_RATE_LIMITS: withDefault(parsedBy(parseRateLimits), {
    default: '100/1m,1500/1h',
    what: 'How many calls Defender permits the app, all instances together.',
    allowed: RATE_LIMITS,
  }),
  DEFENDER_QUOTA_SHARE: withDefault(parsedBy(parseShare), {
    default: '1',
    what: 'Part of these limits that this app may use, where others call with the same identity.',
    allowed: 'a number above 0 and up to 1, such as `0.5`, that leaves at least one call in each window',
  }),
  GRAPH_API_URL: optional(parsedBy(parseGraphUrl), {
    what: 'Host of Microsoft Graph in place of that of the cloud (`https://graph.microsoft.com` for `commercial` and `gcc`). It is handed the token, so only Graph itself is allowed.',
    allowed:
      '`https://graph.microsoft.com`, `https://graph.microsoft.us` or `https://dod-graph.microsoft.us`; a loopback address by http or https where `AZURE_FUNCTIONS_ENVIRONMENT` is `Development`; no user, path, query or fragment',
  }),
  GRAPH_TOKEN_SCOPE: optional(z.string().regex(TOKEN_SCOPE), {
    what: 'What tokens for Microsoft Graph are asked for, in place of the audience of the cloud (`https://graph.microsoft.com/.default` for `commercial`).',
    allowed: 'an audience (https or api address, or application ID) with `/.default` at its end',
  }),
  GRAPH_RATE_LIMITS: withDefault(parsedBy(parseRateLimits), {
    default: '120/1m',
    what: 'How many calls to Graph for alerts the app may make, all instances together. Graph permits 150 a minute.',
    allowed: RATE_LIMITS,
  }),
  HUNTING_RATE_LIMITS: withDefault(parsedBy(parseRateLimits), {
    default: '20/1m',
    what: 'How many hunting queries the app may make, all instances together. A tenant has at least 45 a minute, which its other apps and people share.',
    allowed: RATE_LIMITS,
  }),
  BULK_LOOKUPS: withDefault(z.enum(['auto', 'off']), {
    default: 'auto',
    what: 'Whether many alerts at once are looked up by lists of alerts and devices, which take far fewer calls.',
    allowed: '`auto`, `off`',
  }),
  AZURE_FUNCTIONS_ENVIRONMENT: withDefault(z.string(), {
    default: 'Production',
    local: 'Development',
    what: 'Where the app runs, in the words of the Functions host. `Development` permits APIs on loopback.',
    allowed: 'any text',
  }),
});

export const sourceSchema = sourceSettings
  .refine((settings) => settings.DEFENDER_GEO === undefined || settings.DEFENDER_CLOUD === 'commercial', {
    path: ['DEFENDER_GEO'],
    when: whenValid('DEFENDER_CLOUD', 'DEFENDER_GEO'),
  })
  .refine((settings) => settings.DEFENDER_API_URL?.servedBy !== 'loopback' || isDevelopment(settings), {
    path: ['DEFENDER_API_URL'],
    when: whenValid('DEFENDER_API_URL'),
  })
  .refine((settings) => settings.GRAPH_API_URL?.servedBy !== 'loopback' || isDevelopment(settings), {
    path: ['GRAPH_API_URL'],
    when: whenValid('GRAPH_API_URL'),
  })
  .refine(
    (settings) =>
      settings.DEFENDER_RATE_LIMITS.every(({ calls }) => calls * settings.DEFENDER_QUOTA_SHARE >= 1),
    { path: ['DEFENDER_QUOTA_SHARE'], when: whenValid('DEFENDER_RATE_LIMITS', 'DEFENDER_QUOTA_SHARE') },
  )
  .transform((settings) => {
    const cloud = CLOUDS[settings.DEFENDER_CLOUD];
    const hostUrl = settings.DEFENDER_GEO === undefined ? cloud.apiUrl : geoApiUrl(settings.DEFENDER_GEO);
    const graphUrl = GRAPH_API_URLS[settings.DEFENDER_CLOUD];
    return {
      sourceChoice: settings.ENRICHMENT_SOURCE,
      bulkLookups: settings.BULK_LOOKUPS === 'auto',
      source: {
        apiUrl: settings.DEFENDER_API_URL?.origin ?? hostUrl,
        tokenScope: settings.DEFENDER_TOKEN_SCOPE ?? cloud.tokenScope,
        clientId: settings.AZURE_CLIENT_ID,
        tenantId: settings.AZURE_TENANT_ID,
        rateLimits: settings.DEFENDER_RATE_LIMITS,
        quotaShare: settings.DEFENDER_QUOTA_SHARE,
      },
      graph: {
        apiUrl: settings.GRAPH_API_URL?.origin ?? graphUrl,
        tokenScope: settings.GRAPH_TOKEN_SCOPE ?? `${graphUrl}/.default`,
        rateLimits: settings.GRAPH_RATE_LIMITS,
        huntingRateLimits: settings.HUNTING_RATE_LIMITS,
      },
      development: isDevelopment(settings),
    };
  });

/** The Functions host does not tell upper case from lower here either. */
function isDevelopment(settings: { AZURE_FUNCTIONS_ENVIRONMENT: string }): boolean {
  return settings.AZURE_FUNCTIONS_ENVIRONMENT.toLowerCase() === 'development';
}

function parseShare(text: string): number | undefined {
  const share = /^\d*\.?\d+$/.test(text) ? Number(text) : 0;
  return share > 0 && share <= 1 ? share : undefined;
}

function list(names: readonly string[]): string {
  return names.map((name) => `\`${name}\``).join(', ');
}
