import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

/**
 * Stands in for queues and tables where Azurite would be what is measured: it answers the requests of the app's
 * straight path in the forms of the storage service, checks neither keys nor the rest of the request, and keeps no more
 * than it must. Of an alert's row it keeps the mark only: what reads one back gets 501.
 */
export interface StandInStorage {
  readonly connectionString: string;
  /** Requests answered, by what they were for. */
  readonly requests: ReadonlyMap<string, number>;
  close(): Promise<void>;
}

export interface StandInOptions {
  /** The queue whose messages are read, and what is in it. */
  input: { queue: string; messages: readonly string[] };
  /** The table whose rows are kept whole. */
  keptTable: string;
}

const ACCOUNT = 'standin';

export async function startStandInStorage({ input, keptTable }: StandInOptions): Promise<StandInStorage> {
  const requests = new Map<string, number>();
  const rows = new Map<string, { etag: string; columns: Record<string, unknown> | undefined }>();
  let taken = 0;
  let writes = 0;

  function count(kind: string): void {
    requests.set(kind, (requests.get(kind) ?? 0) + 1);
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await text(request);
    const { pathname, searchParams } = new URL(request.url ?? '', 'http://localhost');
    const [, , service = '', resource = '', part] = decodeURIComponent(pathname).split('/');
    const end = (status: number, headers: Record<string, string> = {}, content = '') =>
      response.writeHead(status, headers).end(content);
    const method = request.method ?? '';

    if (service === 'queue') {
      if (part === undefined) {
        if (method !== 'GET') {
          return void end(201);
        }
        return void end(200, { 'x-ms-approximate-messages-count': String(input.messages.length - taken) });
      }
      count(`${method} message of ${resource}`);
      if (method === 'DELETE') {
        return void end(204);
      }
      if (method === 'POST') {
        return void end(201, XML, messageList([placed()]));
      }
      const wanted = resource === input.queue ? Number(searchParams.get('numofmessages')) : 0;
      const texts = input.messages.slice(taken, taken + wanted);
      taken += texts.length;
      return void end(200, XML, messageList(texts.map(received)));
    }

    if (resource === 'Tables') {
      return void end(204);
    }
    const table = /^\w+/.exec(resource)?.[0] ?? '';
    count(`${method} row of ${table}`);
    const columns = (): Record<string, unknown> => JSON.parse(body);
    const key = method === 'POST' ? keyOf(table, columns()) : resource;
    const row = rows.get(key);
    if (method === 'GET') {
      if (row === undefined) {
        return void end(404, JSON_TYPE, errorOf('ResourceNotFound'));
      }
      if (row.columns === undefined) {
        return void end(501, JSON_TYPE, errorOf('NotKept'));
      }
      return void end(200, JSON_TYPE, JSON.stringify({ ...row.columns, 'odata.etag': row.etag }));
    }
    if (method === 'POST' && row !== undefined) {
      return void end(409, JSON_TYPE, errorOf('EntityAlreadyExists'));
    }
    if (method !== 'POST' && row === undefined) {
      return void end(404, JSON_TYPE, errorOf('ResourceNotFound'));
    }
    const condition = request.headers['if-match'];
    if (condition !== undefined && condition !== '*' && condition !== row?.etag) {
      return void end(412, JSON_TYPE, errorOf('UpdateConditionNotSatisfied'));
    }
    writes += 1;
    const etag = `W/"${writes}"`;
    const before = method === 'PATCH' || method === 'MERGE' ? row?.columns : {};
    rows.set(key, { etag, columns: table === keptTable ? { ...before, ...columns() } : undefined });
    end(204, { etag });
  }

  const server = createServer((request, response) => {
    answer(request, response).catch((error: Error) => response.destroy(error));
  });
  server.keepAliveTimeout = 60_000;
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}/${ACCOUNT}`;
  return {
    connectionString: [
      'DefaultEndpointsProtocol=http',
      `AccountName=${ACCOUNT}`,
      `AccountKey=${Buffer.from('unchecked').toString('base64')}`,
      `QueueEndpoint=${address}/queue`,
      `TableEndpoint=${address}/table`,
    ].join(';'),
    requests,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

const XML = { 'content-type': 'application/xml' };
const JSON_TYPE = { 'content-type': 'application/json;odata=minimalmetadata' };

/** As the address of a row is written. */
function keyOf(table: string, { PartitionKey, RowKey }: Record<string, unknown>): string {
  return `${table}(PartitionKey='${PartitionKey}',RowKey='${RowKey}')`;
}

function errorOf(code: string): string {
  return JSON.stringify({ 'odata.error': { code, message: { lang: 'en-US', value: code } } });
}

function messageList(messages: readonly string[]): string {
  return `<?xml version="1.0" encoding="utf-8"?><QueueMessagesList>${messages.join('')}</QueueMessagesList>`;
}

/** What the service says of a message that was put into a queue. */
function placed(): string {
  const now = new Date().toUTCString();
  return `<QueueMessage><MessageId>${randomUUID()}</MessageId><InsertionTime>${now}</InsertionTime><ExpirationTime>${now}</ExpirationTime><PopReceipt>receipt</PopReceipt><TimeNextVisible>${now}</TimeNextVisible></QueueMessage>`;
}

function received(messageText: string): string {
  return placed().replace(
    '</QueueMessage>',
    `<DequeueCount>1</DequeueCount><MessageText>${messageText}</MessageText></QueueMessage>`,
  );
}
