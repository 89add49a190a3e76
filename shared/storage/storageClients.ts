import { TableClient } from '@azure/data-tables';
import { DefaultAzureCredential, ManagedIdentityCredential, type TokenCredential } from '@azure/identity';
import { type QueueClient, QueueServiceClient } from '@azure/storage-queue';
import type { StorageConnection } from '../config/storageConnection.ts';

/** Opens queues and tables of the storage account that the settings name. */
export interface StorageClients {
  queue(name: string): QueueClient;
  table(name: string): TableClient;
}

/** @param options.tries How often an operation is tried before it fails; as the SDKs think best when left out. */
export function createStorageClients(
  connection: StorageConnection,
  { tries }: { tries?: number } = {},
): StorageClients {
  const queueOptions = tries === undefined ? {} : { retryOptions: { maxTries: tries } };
  const tableOptions = tries === undefined ? {} : { retryOptions: { maxRetries: tries - 1 } };
  if (connection.kind === 'connectionString') {
    const { connectionString } = connection;
    const queues = QueueServiceClient.fromConnectionString(connectionString, queueOptions);
    return {
      queue: (name) => queues.getQueueClient(name),
      // Plain http occurs only where the connection string itself says so: the emulator.
      table: (name) =>
        TableClient.fromConnectionString(connectionString, name, {
          ...tableOptions,
          allowInsecureConnection: true,
        }),
    };
  }
  const credential = credentialFor(connection);
  const queues = new QueueServiceClient(connection.queueServiceUri, credential, queueOptions);
  return {
    queue: (name) => queues.getQueueClient(name),
    table: (name) => new TableClient(connection.tableServiceUri, name, credential, tableOptions),
  };
}

function credentialFor({
  credential,
  clientId,
}: Extract<StorageConnection, { kind: 'identity' }>): TokenCredential {
  if (credential === 'default') {
    return new DefaultAzureCredential(clientId === undefined ? {} : { managedIdentityClientId: clientId });
  }
  return clientId === undefined
    ? new ManagedIdentityCredential()
    : new ManagedIdentityCredential({ clientId });
}
