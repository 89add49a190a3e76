import * as z from 'zod';
import { type CLOUD_NAMES, LOOPBACK_HOST } from './apiHosts.ts';
import { optional, whenValid, withDefault } from './setting.ts';
import { sourceSettings } from './sourceSettings.ts';
import { storageNameSettings, TABLE_NAME, TABLE_RULE } from './storageSettings.ts';

/** The settings of a deployment that serves more tenants than its own. */
export const tenantSettings = z.object({
  DEFENDER_APP_ID: optional(z.guid(), {
    what: "Multi-tenant app registration that signs in to customers' tenants, by federation with the managed identity of `AZURE_CLIENT_ID`: no secret (docs/tenants.md). Only the home tenant is served when left out.",
    allowed: 'an application (client) ID (GUID); `AZURE_CLIENT_ID` must be set as well',
  }),
  TENANTS_TABLE: withDefault(z.string().regex(TABLE_NAME), {
    default: 'Tenants',
    what: "Table of the customers' tenants, one row each. Read where `DEFENDER_APP_ID` is set.",
    allowed: `${TABLE_RULE}; neither the enrichments table nor the state table`,
  }),
  AZURE_AUTHORITY_HOST: optional(z.string(), {
    what: "Sign-in service of the customers' tenants in place of that of `DEFENDER_CLOUD` (`https://login.microsoftonline.com`). It is handed proof of the identity, so only Microsoft's are allowed.",
    allowed:
      '`https://login.microsoftonline.com` or `https://login.microsoftonline.us`; an https loopback address where `AZURE_FUNCTIONS_ENVIRONMENT` is `Development`',
  }),
});

const AUTHORITY_HOSTS = ['login.microsoftonline.com', 'login.microsoftonline.us'] as const;
const EXCHANGE_AUDIENCES = {
  'login.microsoftonline.com': 'api://AzureADTokenExchange',
  'login.microsoftonline.us': 'api://AzureADTokenExchangeUSGov',
} as const satisfies Record<(typeof AUTHORITY_HOSTS)[number], string>;

/** Which sign-in service knows the tenants of a cloud: GCC's are in the commercial one. */
const AUTHORITIES = {
  commercial: 'login.microsoftonline.com',
  gcc: 'login.microsoftonline.com',
  'gcc-high': 'login.microsoftonline.us',
  dod: 'login.microsoftonline.us',
} as const satisfies Record<(typeof CLOUD_NAMES)[number], (typeof AUTHORITY_HOSTS)[number]>;

/** How the app signs in to customers' tenants. */
export interface TenantApp {
  appId: string;
  /** The managed identity that the app registration trusts. */
  identityClientId: string;
  /** Address of the sign-in service, without a slash at its end. */
  authorityHost: string;
  /** What the managed identity's token, which proves who we are, is made out for. */
  exchangeScope: string;
}

const { ENRICHMENTS_TABLE, STATE_TABLE } = storageNameSettings.shape;
const { AZURE_CLIENT_ID, DEFENDER_CLOUD, AZURE_FUNCTIONS_ENVIRONMENT } = sourceSettings.shape;

/** A deployment that serves one tenant uses none of these, so nothing is asked of them there. */
export const tenantSchema = tenantSettings
  .extend({ ENRICHMENTS_TABLE, STATE_TABLE, AZURE_CLIENT_ID, DEFENDER_CLOUD, AZURE_FUNCTIONS_ENVIRONMENT })
  .refine((settings) => settings.DEFENDER_APP_ID === undefined || settings.AZURE_CLIENT_ID !== undefined, {
    path: ['DEFENDER_APP_ID'],
    when: whenValid('DEFENDER_APP_ID', 'AZURE_CLIENT_ID'),
  })
  .refine(
    (settings) =>
      settings.DEFENDER_APP_ID === undefined ||
      ![settings.ENRICHMENTS_TABLE, settings.STATE_TABLE].some(
        // Table Storage does not tell upper case from lower.
        (name) => name.toLowerCase() === settings.TENANTS_TABLE.toLowerCase(),
      ),
    { path: ['TENANTS_TABLE'], when: whenValid('TENANTS_TABLE', 'ENRICHMENTS_TABLE', 'STATE_TABLE') },
  )
  .refine((settings) => settings.DEFENDER_APP_ID === undefined || authorityHost(settings) !== undefined, {
    path: ['AZURE_AUTHORITY_HOST'],
    when: whenValid('DEFENDER_CLOUD'),
  })
  .transform((settings): { tenants: { table: string; app: TenantApp | undefined } } => {
    const { DEFENDER_APP_ID: appId, AZURE_CLIENT_ID: identityClientId, TENANTS_TABLE: table } = settings;
    const host = authorityHost(settings);
    if (appId === undefined || identityClientId === undefined || host === undefined) {
      return { tenants: { table, app: undefined } };
    }
    const exchangeScope = `${EXCHANGE_AUDIENCES[AUTHORITIES[settings.DEFENDER_CLOUD]]}/.default`;
    return { tenants: { table, app: { appId, identityClientId, authorityHost: host, exchangeScope } } };
  });

/** Undefined for an address that must not see an assertion. */
function authorityHost(settings: {
  AZURE_AUTHORITY_HOST?: string | undefined;
  DEFENDER_CLOUD: keyof typeof AUTHORITIES;
  AZURE_FUNCTIONS_ENVIRONMENT: string;
}): string | undefined {
  const text = settings.AZURE_AUTHORITY_HOST ?? `https://${AUTHORITIES[settings.DEFENDER_CLOUD]}`;
  if (/[@?#\\\s]/.test(text) || !URL.canParse(text)) {
    return undefined;
  }
  const { protocol, hostname, pathname, origin, port } = new URL(text);
  const isMicrosoft = AUTHORITY_HOSTS.some((host) => host === hostname) && port === '';
  const isLocal =
    LOOPBACK_HOST.test(hostname) && settings.AZURE_FUNCTIONS_ENVIRONMENT.toLowerCase() === 'development';
  return protocol === 'https:' && pathname === '/' && (isMicrosoft || isLocal) ? origin : undefined;
}
