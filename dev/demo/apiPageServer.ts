import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

const DOCS = new URL('../../docs/', import.meta.url);

/** What the page consists of, by path. */
const FILES: Record<string, { file: string; type: string }> = {
  '/': { file: 'api.html', type: 'text/html; charset=utf-8' },
  '/openapi.json': { file: 'openapi.json', type: 'application/json' },
  '/swagger-ui/swagger-ui-bundle.js': { file: 'swagger-ui/swagger-ui-bundle.js', type: 'text/javascript' },
  '/swagger-ui/swagger-ui.css': { file: 'swagger-ui/swagger-ui.css', type: 'text/css' },
};

/** The page of the HTTP API on loopback, with the functions behind the same address. */
export interface ApiPageServer {
  /** `http://127.0.0.1:<port>/` */
  readonly url: string;
  close(): Promise<void>;
}

/**
 * Serves docs/api.html, and hands what it asks of `/api/` to the functions: to the browser both are one origin, so
 * that the functions need no CORS.
 * @param hostUrl Where the functions are, such as `http://127.0.0.1:7071`.
 */
export async function serveApiPage(hostUrl: string): Promise<ApiPageServer> {
  const server = createServer((incoming, response) => {
    const path = new URL(incoming.url ?? '/', 'http://127.0.0.1').pathname;
    const page = FILES[path];
    if (path.startsWith('/api/')) {
      handOn(incoming, response, hostUrl);
    } else if (page !== undefined) {
      response.writeHead(200, { 'content-type': page.type }).end(readFileSync(new URL(page.file, DOCS)));
    } else {
      response.writeHead(404).end();
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    async close() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

function handOn(incoming: IncomingMessage, response: ServerResponse, hostUrl: string): void {
  const { method, headers, url } = incoming;
  const outgoing = request(new URL(url ?? '/', hostUrl), { method, headers }, (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.headers);
    answer.pipe(response);
  });
  outgoing.on('error', () => (response.headersSent ? response.destroy() : response.writeHead(502).end()));
  response.on('close', () => outgoing.destroy());
  incoming.pipe(outgoing);
}
