import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

const DOCS = new URL('../../docs/', import.meta.url);

/** The content types of what the page consists of, by path. */
const TYPES: Record<string, string> = {
  '/api.html': 'text/html; charset=utf-8',
  '/swagger-ui/swagger-ui-bundle.js': 'text/javascript',
  '/swagger-ui/swagger-ui.css': 'text/css',
};

/**
 * Serves docs/api.html on loopback, and hands what it asks of `/api/` to the functions: to the browser both are one
 * origin, so that the functions need no CORS.
 * @param hostUrl Where the functions are, such as `http://127.0.0.1:7071`.
 */
export async function serveApiPage(hostUrl: string): Promise<{ url: string; close(): void }> {
  const server = createServer((incoming, response) => {
    const { pathname } = new URL(incoming.url ?? '/', 'http://127.0.0.1');
    const path = pathname === '/' ? '/api.html' : pathname;
    const type = TYPES[path];
    if (path.startsWith('/api/')) {
      handOn(incoming, response, hostUrl);
    } else if (type !== undefined) {
      response.writeHead(200, { 'content-type': type }).end(readFileSync(new URL(`.${path}`, DOCS)));
    } else {
      response.writeHead(404).end();
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    close() {
      server.close();
      server.closeAllConnections();
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
