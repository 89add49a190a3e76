import { once } from 'node:events';
import { createServer, request as forward } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A way to a storage service that can be disturbed while the service itself stays as it is. */
export interface StorageProxy {
  /** The connection string with the service's address replaced by the proxy's. */
  readonly connectionString: string;
  /** From now on requests that match are answered 503, as a service that throttles does. */
  refuse(matches: (method: string, path: string) => boolean): void;
  /** From now on everything passes. */
  pass(): void;
  /** Requests refused so far. */
  refused(): number;
  stop(): Promise<void>;
}

const BUSY = {
  status: 503,
  headers: { 'Content-Type': 'application/xml', 'x-ms-error-code': 'ServerBusy' },
  body: '<?xml version="1.0"?><Error><Code>ServerBusy</Code><Message>The server is busy.</Message></Error>',
};

/** @param service The service that the proxy stands before; all others are reached directly. */
export async function startStorageProxy(
  connectionString: string,
  service: 'Queue' | 'Table',
): Promise<StorageProxy> {
  const address = new RegExp(`${service}Endpoint=http://([^/;]+)`);
  const [, host = ''] = address.exec(connectionString) ?? [];
  let isRefused: (method: string, path: string) => boolean = () => false;
  let refused = 0;

  const server = createServer((incoming, response) => {
    const { method = 'GET', url: path = '/', headers } = incoming;
    if (isRefused(method, path)) {
      refused += 1;
      incoming.resume();
      response.writeHead(BUSY.status, BUSY.headers).end(BUSY.body);
      return;
    }
    const outgoing = forward(`http://${host}${path}`, { method, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    outgoing.once('error', () => response.destroy());
    incoming.pipe(outgoing);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;

  return {
    connectionString: connectionString.replace(address, `${service}Endpoint=http://127.0.0.1:${port}`),
    refuse(matches) {
      isRefused = matches;
    },
    pass() {
      isRefused = () => false;
    },
    refused: () => refused,
    async stop() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}
