import { TableClient } from '@azure/data-tables';
import { DefaultAzureCredential, ManagedIdentityCredential, type TokenCredential } from '@azure/identity';
import {
  AnonymousCredential,
  newPipeline,
  type QueueClient,
  QueueServiceClient,
  type StorageSharedKeyCredential,
} from '@azure/storage-queue';
import type { StorageConnection } from '../config/storageSettings.ts';
import { withinTime } from '../promises.ts';
import { hasStatus, StorageTimeoutError } from './storageError.ts';

/** Opens queues and tables of the storage account that the settings name. */
export interface StorageClients {
  queue(name: string): QueueClient;
  table(name: string): TableClient;
}

/** How the clients deal with failures. */
export interface StorageClientOptions {
  /** How often an operation is tried before it fails; as the SDKs think best when left out. */
  tries?: number;
  /** Called when an answer says that the queue or table of the operation is not there (any more). */
  onMissing?: () => void;
}

/**
 * An operation with all its tries, the waits between them and the sign-in takes no longer. The SDKs have no such limit:
 * a request that is never answered would wait for ever, and one that is told `Retry-After: 200` as long as that.
 */
export const LONGEST_OPERATION_MS = 30_000;

/** Opens the queues and tables that the settings name. No request is made yet. */
export function createStorageClients(
  connection: StorageConnection,
  { tries, onMissing = () => undefined }: StorageClientOptions = {},
): StorageClients {
  const queueOptions = tries === undefined ? {} : { retryOptions: { maxTries: tries } };
  const tableOptions = {
    ...(tries !== undefined && { retryOptions: { maxRetries: tries - 1 } }),
    additionalPolicies: [{ policy: tablePolicy(onMissing), position: 'perCall' as const }],
  };
  const openQueues = (url: string, credential: QueueCredential) => {
    const pipeline = newPipeline(credential, queueOptions);
    pipeline.factories.unshift({ create: (next) => queuePolicy(next, onMissing) });
    return new QueueServiceClient(url, pipeline);
  };
  if (connection.kind === 'connectionString') {
    const { connectionString } = connection;
    // The SDK reads the connection string: what it finds there is used with a pipeline of ours.
    const { url, credential } = QueueServiceClient.fromConnectionString(connectionString) as unknown as {
      url: string;
      credential?: StorageSharedKeyCredential;
    };
    const queues = openQueues(url, credential ?? new AnonymousCredential());
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
  const credential = bounded(credentialFor(connection));
  const queues = openQueues(connection.queueServiceUri, credential);
  return {
    queue: (name) => queues.getQueueClient(name),
    table: (name) => new TableClient(connection.tableServiceUri, name, credential, tableOptions),
  };
}

type QueueCredential = Parameters<typeof newPipeline>[0];

/** The policy in the form of the table SDK. */
function tablePolicy(onMissing: () => void) {
  return {
    name: 'operation-limit',
    async sendRequest<Request extends { abortSignal?: unknown }, Response>(
      request: Request,
      next: (request: Request) => Promise<Response>,
    ): Promise<Response> {
      return limited(request, next, onMissing);
    },
  };
}

/** The policy in the form of the queue SDK. */
function queuePolicy<Request extends { abortSignal?: unknown }, Response>(
  next: { sendRequest(request: Request): Promise<Response> },
  onMissing: () => void,
) {
  return {
    sendRequest: (request: Request) => limited(request, (same) => next.sendRequest(same), onMissing),
  };
}

/** The caller hears of the end at once; the signal stops the SDK's own work, its waits included. */
async function limited<Request extends { abortSignal?: unknown }, Response>(
  request: Request,
  send: (request: Request) => Promise<Response>,
  onMissing: () => void,
): Promise<Response> {
  const end = new AbortController();
  const own = request.abortSignal instanceof AbortSignal ? [request.abortSignal] : [];
  request.abortSignal = AbortSignal.any([end.signal, ...own]);
  try {
    const response = await withinTime(send(request), LONGEST_OPERATION_MS, () => {
      const error = new StorageTimeoutError(
        `the storage service gave no answer within ${LONGEST_OPERATION_MS / 1_000} s`,
      );
      end.abort(error);
      throw error;
    });
    if (saysMissing(response)) {
      onMissing();
    }
    return response;
  } catch (error) {
    // The table SDK throws what the queue SDK returns here.
    if (error instanceof Error && 'response' in error && saysMissing(error.response)) {
      onMissing();
    }
    throw error;
  }
}

function saysMissing(response: unknown): boolean {
  const { headers } = (response ?? {}) as { headers?: { get(name: string): string | undefined } };
  return ['TableNotFound', 'QueueNotFound'].includes(headers?.get('x-ms-error-code') ?? '');
}

/** The SDKs share one request for a token among all operations: were it never answered, none would ever work again. */
function bounded(credential: TokenCredential): TokenCredential {
  return {
    getToken: (scopes, options) =>
      withinTime(credential.getToken(scopes, options), LONGEST_OPERATION_MS / 2, () => {
        throw new StorageTimeoutError(
          'there is no sign-in to storage: the identity endpoint does not answer',
        );
      }),
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

/** Something that can be created when it is missing: a queue or a table. */
export interface Provisionable {
  /** For a person, such as `queue "alerts"`. */
  label: string;
  create(): Promise<unknown>;
  /** Whether it is there; asked where the identity may not create. Left out where there is no cheap way to tell. */
  exists?(): Promise<boolean>;
}

/**
 * Creates what is missing, all at once.
 * @returns What could not be created because the identity may not, and does not exist as far as it can tell.
 * @throws What the storage service answers to anything else.
 */
export async function provision(wanted: readonly Provisionable[]): Promise<string[]> {
  const forbidden = await Promise.all(
    wanted.map(async (thing) => {
      const { label } = thing;
      try {
        await thing.create();
        return [];
      } catch (error) {
        if (hasStatus(error, 409)) {
          return [];
        }
        if (hasStatus(error, 403)) {
          return (await isThere(thing)) ? [] : [label];
        }
        throw error;
      }
    }),
  );
  return forbidden.flat();
}

async function isThere({ exists }: Provisionable): Promise<boolean> {
  try {
    return (await exists?.()) ?? false;
  } catch (error) {
    if (hasStatus(error, 403)) {
      return false;
    }
    throw error;
  }
}
