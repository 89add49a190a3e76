import {
  ClientSecretCredential,
  DefaultAzureCredential,
  ManagedIdentityCredential,
  type TokenCredential,
} from '@azure/identity';
import { type QueueClient, QueueServiceClient } from '@azure/storage-queue';
import type { Settings } from './settings.ts';

/** How a binding reaches a storage account. */
type Connection =
  | { kind: 'connectionString'; connectionString: string }
  | { kind: 'identity'; serviceUri: string; properties: Settings };

/**
 * Finds the settings behind a binding's `connection`, in the order in which the Functions host looks:
 * `AzureWebJobs<name>` before `<name>`, and in each a connection string before `<name>__<property>`.
 * @throws Error that names the settings to add.
 */
export function resolveConnection(name: string, settings: Settings): Connection {
  const base = name || 'AzureWebJobsStorage';
  for (const section of [`AzureWebJobs${base}`, base]) {
    const connectionString = settings[section];
    if (connectionString) {
      return { kind: 'connectionString', connectionString };
    }
    const properties = propertiesOf(section, settings);
    const serviceUri =
      properties.queueserviceuri ??
      properties.serviceuri ??
      (properties.accountname && `https://${properties.accountname}.queue.core.windows.net`);
    if (serviceUri) {
      return { kind: 'identity', serviceUri, properties };
    }
  }
  throw new Error(
    `The connection "${base}" is not set. Set ${base} to a connection string (UseDevelopmentStorage=true for a ` +
      `local emulator), or ${base}__queueServiceUri to the address of the queue service.`,
  );
}

/** A section's sub-settings; their names mean the same in any case. */
function propertiesOf(section: string, settings: Settings): Settings {
  const properties: Settings = {};
  for (const [name, value] of Object.entries(settings)) {
    for (const separator of ['__', ':']) {
      const prefix = section + separator;
      if (value && name.startsWith(prefix)) {
        properties[name.slice(prefix.length).toLowerCase()] = value;
      }
    }
  }
  return properties;
}

function credentialOf({
  credential,
  clientid: clientId,
  managedidentityresourceid: resourceId,
  tenantid: tenantId,
  clientsecret: clientSecret,
}: Settings): TokenCredential {
  if (credential?.toLowerCase() === 'managedidentity') {
    if (clientId) {
      return new ManagedIdentityCredential({ clientId });
    }
    return resourceId ? new ManagedIdentityCredential({ resourceId }) : new ManagedIdentityCredential();
  }
  if (tenantId && clientId && clientSecret) {
    return new ClientSecretCredential(tenantId, clientId, clientSecret);
  }
  return new DefaultAzureCredential();
}

/** The host's own patience with a storage account that does not answer: three retries within seconds. */
const queueRetries = { retryOptions: { maxTries: 4, retryDelayInMs: 800 } };

/**
 * Opens a queue of the account that a binding's `connection` names; no request is made.
 * @throws Error when the connection is not set, or is no connection string.
 */
export function openQueue(connectionName: string, queueName: string, settings: Settings): QueueClient {
  const connection = resolveConnection(connectionName, settings);
  const account =
    connection.kind === 'connectionString'
      ? QueueServiceClient.fromConnectionString(connection.connectionString, queueRetries)
      : new QueueServiceClient(connection.serviceUri, credentialOf(connection.properties), queueRetries);
  return account.getQueueClient(queueName);
}
