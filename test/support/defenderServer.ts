import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A server that speaks as Defender and as an identity endpoint do, and shares nothing with the simulator. */
export interface DefenderServer {
  readonly settings: Record<string, string>;
  /** What the API answers for an alert; 404 for all others. */
  readonly machines: Map<string, object>;
  /** The alerts asked for, in order. */
  readonly calls: readonly string[];
  readonly token: string;
  /** Stops listening: connections are refused from now on. */
  hangUp(): Promise<void>;
  /** Listens again on the same port. */
  listenAgain(): Promise<void>;
  stop(): Promise<void>;
}

const IDENTITY_SECRET = 'a-secret-of-the-identity-endpoint';

export async function startDefenderServer(): Promise<DefenderServer> {
  const machines = new Map<string, object>();
  const calls: string[] = [];
  const token = `token-${crypto.randomUUID()}`;

  function answerToken(request: IncomingMessage, response: ServerResponse): void {
    const isTrusted = request.headers['x-identity-header'] === IDENTITY_SECRET;
    const answer = {
      access_token: token,
      expires_on: Math.floor(Date.now() / 1_000) + 3_600,
      resource: 'https://api.securitycenter.microsoft.com',
      token_type: 'Bearer',
    };
    sendJson(response, isTrusted ? 200 : 401, isTrusted ? answer : {});
  }

  const api = createServer((request, response) => {
    const [, alertId = ''] = /^\/api\/alerts\/([^/?]+)\/machine$/.exec(request.url ?? '') ?? [];
    const isTrusted = request.headers.authorization === `Bearer ${token}`;
    if (isTrusted) {
      calls.push(alertId);
    }
    const machine = machines.get(alertId);
    if (!isTrusted) {
      sendJson(response, 401, {});
    } else {
      sendJson(response, machine === undefined ? 404 : 200, machine ?? { error: { code: 'NotFound' } });
    }
  });
  const identity = createServer(answerToken);
  await listen(api, 0);
  await listen(identity, 0);
  const { port } = api.address() as AddressInfo;
  const { port: identityPort } = identity.address() as AddressInfo;

  return {
    settings: {
      DEFENDER_API_URL: `http://127.0.0.1:${port}`,
      IDENTITY_ENDPOINT: `http://127.0.0.1:${identityPort}/token`,
      IDENTITY_HEADER: IDENTITY_SECRET,
    },
    machines,
    calls,
    token,
    hangUp: () => close(api),
    listenAgain: () => listen(api, port),
    async stop() {
      await Promise.all([close(api), close(identity)]);
    },
  };
}

async function close(server: Server): Promise<void> {
  const closed = once(server, 'close');
  server.close();
  server.closeAllConnections();
  await closed;
}

async function listen(server: Server, port: number): Promise<void> {
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
}

function sendJson(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(body));
}
