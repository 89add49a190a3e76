import { TableClient } from '@azure/data-tables';
import { DefaultAzureCredential, ManagedIdentityCredential, type TokenCredential } from '@azure/identity';
import { type QueueClient, QueueServiceClient } from '@azure/storage-queue';
import type { StorageConnection } from '../config/storageConnection.ts';

/** Opens queues and tables of the storage account that the settings name. */
export interface StorageClients {
  queue(name: string): QueueClient;
  table(name: string): TableClient;
}

export function createStorageClients(connection: StorageConnection): StorageClients {
  if (connection.kind === 'connectionString') {
    const { connectionString } = connection;
    const queues = QueueServiceClient.fromConnectionString(connectionString);
    return {
      queue: (name) => queues.getQueueClient(name),
      // Plain http occurs only where the connection string itself says so: the emulator.
      table: (name) =>
        TableClient.fromConnectionString(connectionString, name, { allowInsecureConnection: true }),
    };
  }
  const credential = credentialFor(connection);
  const queues = new QueueServiceClient(connection.queueServiceUri, credential);
  return {
    queue: (name) => queues.getQueueClient(name),
    table: (name) => new TableClient(connection.tableServiceUri, name, credential),
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
