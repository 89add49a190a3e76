import * as z from 'zod';
import { LOOPBACK_HOST } from './apiHosts.ts';
import { optional, parsedBy, required, whenValid, withDefault } from './setting.ts';

/** Whether the text is a storage connection string that leads to a queue service and a table service with a key to both. */
export function isConnectionString(text: string): boolean {
  const parts = new Map(text.split(';').map(nameAndValue));
  if (parts.get('usedevelopmentstorage')?.toLowerCase() === 'true') {
    return true;
  }
  if (parts.get('accountname') && parts.get('accountkey')) {
    return true;
  }
  return Boolean(
    parts.get('sharedaccesssignature') && parts.get('queueendpoint') && parts.get('tableendpoint'),
  );
}

/** The names as the SDKs read them, which tell upper case from lower; the Functions host does not. */
const NAMES = [
  'UseDevelopmentStorage',
  'DevelopmentStorageProxyUri',
  'DefaultEndpointsProtocol',
  'AccountName',
  'AccountKey',
  'EndpointSuffix',
  'BlobEndpoint',
  'QueueEndpoint',
  'TableEndpoint',
  'FileEndpoint',
  'SharedAccessSignature',
];

/** The connection string with its names spelt as the SDKs want them. */
export function canonicalConnectionString(text: string): string {
  const parts = text.split(';').filter((part) => part.trim() !== '');
  const spelt = parts.map((part) => {
    const [name, value] = nameAndValue(part);
    return `${NAMES.find((known) => known.toLowerCase() === name) ?? name}=${value}`;
  });
  return spelt.join(';');
}

/** Splits at the first `=` only: keys and signatures hold more of them. */
function nameAndValue(part: string): [name: string, value: string] {
  const [name = '', ...value] = part.split('=');
  return [name.trim().toLowerCase(), value.join('=').trim()];
}

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
  AlertsStorage__queueServiceUri: required(parsedBy(parseServiceUri), {
    what: 'Queue service to connect to by identity.',
    allowed:
      'an https address of Azure Storage such as `https://<account>.queue.core.windows.net`, without user, query or fragment; a loopback address where `AZURE_FUNCTIONS_ENVIRONMENT` is `Development`',
    secret: true,
  }),
  AlertsStorage__tableServiceUri: required(parsedBy(parseServiceUri), {
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
    parsedBy((text) => (text.toLowerCase() === 'managedidentity' ? 'managedidentity' : undefined)),
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
    if (settings.form !== 'addresses' || settings.isDevelopment) {
      return;
    }
    for (const name of ['AlertsStorage__queueServiceUri', 'AlertsStorage__tableServiceUri'] as const) {
      const isLocal = LOOPBACK_HOST.test(new URL(settings[name]).hostname);
      if (isLocal) {
        context.addIssue({ code: 'custom', input: settings[name], path: [name] });
      }
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
  if (settings.AlertsStorage) {
    return 'connectionString';
  }
  if (settings.AlertsStorage__queueServiceUri || settings.AlertsStorage__tableServiceUri) {
    return 'addresses';
  }
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
  if (/[@?#\\\s]/.test(text) || !URL.canParse(text)) {
    return undefined;
  }
  const url = new URL(text);
  const mayHaveToken = STORAGE_HOST.test(url.hostname) || LOOPBACK_HOST.test(url.hostname);
  return url.protocol === 'https:' && mayHaveToken ? url.href.replace(/\/$/, '') : undefined;
}

/** https://learn.microsoft.com/rest/api/storageservices/naming-queues-and-metadata */
const QUEUE_NAME = /^(?!.*--)[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$/;
const QUEUE_RULE = 'lower-case letters, digits and single hyphens, with a letter or digit at both ends';

/** https://learn.microsoft.com/rest/api/storageservices/understanding-the-table-service-data-model#table-names */
export const TABLE_NAME = /^(?!tables$)[A-Za-z][A-Za-z0-9]{2,62}$/i;
export const TABLE_RULE = '3 to 63 letters and digits, a letter first; not "tables", which is reserved';

/** The queue that the Functions host puts a message into when it gives up; the name is the host's. */
export function poisonQueueOf(queue: string): string {
  return `${queue}-poison`;
}

/** The names of queues and tables. */
export const storageNameSettings = z.object({
  ALERTS_QUEUE: withDefault(
    z
      .string()
      .regex(QUEUE_NAME)
      .refine((name) => QUEUE_NAME.test(poisonQueueOf(name))),
    {
      default: 'alerts',
      what: 'Queue the alerts come in by. Dead letters go to the queue of the same name with `-poison` at its end.',
      allowed: `3 to 56 characters: ${QUEUE_RULE}`,
    },
  ),
  ENRICHMENTS_QUEUE: withDefault(z.string().regex(QUEUE_NAME), {
    default: 'enrichments',
    what: 'Queue the enrichments go out by.',
    allowed: `3 to 63 characters: ${QUEUE_RULE}; neither the alerts queue nor its \`-poison\` queue`,
  }),
  ENRICHMENTS_TABLE: withDefault(z.string().regex(TABLE_NAME), {
    default: 'AlertEnrichments',
    what: 'Table that keeps the enrichment of each alert.',
    allowed: TABLE_RULE,
  }),
  STATE_TABLE: withDefault(z.string().regex(TABLE_NAME), {
    default: 'EnrichmentState',
    what: 'Table that keeps what all instances share: the quota ledger and the circuit.',
    allowed: `${TABLE_RULE}; not the enrichments table`,
  }),
});

export const storageNamesSchema = storageNameSettings
  .refine(
    (names) => ![names.ALERTS_QUEUE, poisonQueueOf(names.ALERTS_QUEUE)].includes(names.ENRICHMENTS_QUEUE),
    {
      path: ['ENRICHMENTS_QUEUE'],
      when: whenValid('ALERTS_QUEUE', 'ENRICHMENTS_QUEUE'),
    },
  )
  // Table Storage does not tell upper case from lower.
  .refine((names) => names.ENRICHMENTS_TABLE.toLowerCase() !== names.STATE_TABLE.toLowerCase(), {
    path: ['STATE_TABLE'],
    when: whenValid('ENRICHMENTS_TABLE', 'STATE_TABLE'),
  })
  .transform((names) => ({
    queues: {
      alerts: names.ALERTS_QUEUE,
      poison: poisonQueueOf(names.ALERTS_QUEUE),
      enrichments: names.ENRICHMENTS_QUEUE,
    },
    tables: { enrichments: names.ENRICHMENTS_TABLE, state: names.STATE_TABLE },
  }));
