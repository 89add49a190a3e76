import * as z from 'zod';
import { LOOPBACK_HOST } from './apiUrl.ts';
import { canonicalConnectionString, isConnectionString } from './connectionString.ts';
import { parsed } from './parsed.ts';
import { optional, required } from './settingNotes.ts';

/** How to reach the storage account that holds the queues and tables. */
export type StorageConnection =
  | { kind: 'connectionString'; connectionString: string }
  | {
      kind: 'identity';
      /** Address of the queue service, without a slash at its end. */
      queueServiceUri: string;
      /** Address of the table service, without a slash at its end. */
      tableServiceUri: string;
      /** `managedidentity` is that and nothing else; `default` is whatever DefaultAzureCredential finds. */
      credential: 'managedidentity' | 'default';
      /** Client ID of a user-assigned managed identity; the system-assigned one when absent. */
      clientId?: string | undefined;
    };

/**
 * The settings of the connection: those that the Functions host reads for the trigger, so that one set serves both.
 * https://learn.microsoft.com/azure/azure-functions/functions-reference#configure-an-identity-based-connection
 */
export const storageConnectionSettings = {
  AlertsStorage: required(z.string().refine(isConnectionString), {
    local: 'UseDevelopmentStorage=true',
    what: 'Storage account of the queues and tables, by connection string. Leave it out to connect by identity with the settings below. The same settings with `AzureWebJobs` before their names come first, as in the Functions host.',
    allowed:
      'a connection string with an account key, or with a shared access signature and the endpoints of queue and table; `UseDevelopmentStorage=true` for the local emulator; or none and instead `AlertsStorage__queueServiceUri` with `AlertsStorage__tableServiceUri`',
    secret: true,
  }),
  AlertsStorage__queueServiceUri: required(parsed(parseServiceUri), {
    what: 'Queue service to connect to by identity.',
    allowed:
      'an https address of Azure Storage such as `https://<account>.queue.core.windows.net`, without user, query or fragment; a loopback address where `AZURE_FUNCTIONS_ENVIRONMENT` is `Development`',
    secret: true,
  }),
  AlertsStorage__tableServiceUri: required(parsed(parseServiceUri), {
    what: 'Table service to connect to by identity.',
    allowed:
      'an https address of Azure Storage such as `https://<account>.table.core.windows.net`, without user, query or fragment; a loopback address where `AZURE_FUNCTIONS_ENVIRONMENT` is `Development`',
    secret: true,
  }),
  AlertsStorage__accountName: required(z.string().regex(/^[a-z0-9]{3,24}$/), {
    what: 'Name of the storage account, in place of the two addresses. For the public cloud only.',
    allowed: '3 to 24 lower-case letters and digits',
    secret: true,
  }),
  AlertsStorage__credential: optional(
    parsed((text) => (text.toLowerCase() === 'managedidentity' ? 'managedidentity' : undefined)),
    {
      what: 'How to sign in to storage: by managed identity, or (when left out) by whatever `DefaultAzureCredential` finds.',
      allowed: '`managedidentity`',
    },
  ),
  AlertsStorage__clientId: optional(z.guid(), {
    what: 'User-assigned managed identity for storage; the system-assigned one when left out.',
    allowed: 'a client ID (GUID), not the principal ID',
  }),
};

const {
  AlertsStorage,
  AlertsStorage__queueServiceUri,
  AlertsStorage__tableServiceUri,
  AlertsStorage__accountName,
  ...identity
} = storageConnectionSettings;

/** Reads the connection from the one form of the settings that is in use. */
export const storageConnectionSchema = z
  .preprocess(
    (settings: Record<string, string>) => ({
      ...settings,
      form: formInUse(settings),
      isDevelopment: settings.AZURE_FUNCTIONS_ENVIRONMENT?.toLowerCase() === 'development',
    }),
    z.discriminatedUnion('form', [
      z.object({ form: z.literal('connectionString'), AlertsStorage }),
      z.object({
        form: z.literal('addresses'),
        isDevelopment: z.boolean(),
        AlertsStorage__queueServiceUri,
        AlertsStorage__tableServiceUri,
        ...identity,
      }),
      z.object({ form: z.literal('accountName'), AlertsStorage__accountName, ...identity }),
    ]),
  )
  .superRefine((settings, context) => {
    if (settings.form !== 'addresses' || settings.isDevelopment) return;
    for (const name of ['AlertsStorage__queueServiceUri', 'AlertsStorage__tableServiceUri'] as const) {
      const isLocal = LOOPBACK_HOST.test(new URL(settings[name]).hostname);
      if (isLocal) context.addIssue({ code: 'custom', input: settings[name], path: [name] });
    }
  })
  .transform((settings): { storage: StorageConnection } => {
    if (settings.form === 'connectionString') {
      return {
        storage: {
          kind: 'connectionString',
          connectionString: canonicalConnectionString(settings.AlertsStorage),
        },
      };
    }
    return {
      storage: {
        kind: 'identity',
        queueServiceUri:
          settings.form === 'addresses'
            ? settings.AlertsStorage__queueServiceUri
            : `https://${settings.AlertsStorage__accountName}.queue.core.windows.net`,
        tableServiceUri:
          settings.form === 'addresses'
            ? settings.AlertsStorage__tableServiceUri
            : `https://${settings.AlertsStorage__accountName}.table.core.windows.net`,
        credential: settings.AlertsStorage__credential ?? 'default',
        clientId: settings.AlertsStorage__clientId,
      },
    };
  });

/** As in the Functions host, a connection string comes before an identity, and an address before a name. */
function formInUse(settings: Record<string, string>): 'connectionString' | 'addresses' | 'accountName' {
  if (settings.AlertsStorage) return 'connectionString';
  if (settings.AlertsStorage__queueServiceUri || settings.AlertsStorage__tableServiceUri) return 'addresses';
  return settings.AlertsStorage__accountName ? 'accountName' : 'connectionString';
}

/** Domains of Azure Storage: all clouds, and accounts with a DNS zone of their own. A private endpoint keeps the name. */
const STORAGE_HOST =
  /\.(core\.windows\.net|core\.usgovcloudapi\.net|core\.chinacloudapi\.cn|storage\.azure\.net)$/;

/**
 * The address without the slash at its end; undefined for any that must not see a token: anything but plain https to
 * Azure Storage or to this machine. A query would be a shared access signature.
 */
function parseServiceUri(text: string): string | undefined {
  if (/[@?#\\\s]/.test(text) || !URL.canParse(text)) return undefined;
  const url = new URL(text);
  const mayHaveToken = STORAGE_HOST.test(url.hostname) || LOOPBACK_HOST.test(url.hostname);
  return url.protocol === 'https:' && mayHaveToken ? url.href.replace(/\/$/, '') : undefined;
}
