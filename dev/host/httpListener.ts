import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import type { FunctionRun } from './functionRunner.ts';
import { httpResponseOf, type PlainResponse, requestDataOf } from './httpData.ts';
import type { RouteMatch } from './httpRoute.ts';
import type { Listener } from './listener.ts';
import type { TypedData } from './rpcTypes.ts';

/** One HTTP-triggered function. */
export interface HttpFunction {
  /** In upper case. */
  methods: readonly string[];
  match: RouteMatch;
  /** Sorts the functions: the more specific route is asked first. */
  specificity: string;
  /** Calls the function; never rejects. */
  run: (input: TypedData) => Promise<FunctionRun>;
}

export interface HttpListener extends Listener {
  /** `http://127.0.0.1:<port>` */
  readonly url: string;
}

const DEFAULT_PORT = 7071;

/**
 * Serves the HTTP-triggered functions on loopback. Keys are not asked for, as under Core Tools.
 * @param port 0: the system chooses. Undefined: 7071, or the system chooses while another host has that.
 * @throws Error when the port is taken.
 */
export async function listenToHttp(
  functions: HttpFunction[],
  port: number | undefined,
): Promise<HttpListener> {
  const routes = functions.toSorted((one, other) => (one.specificity < other.specificity ? -1 : 1));
  const server = createServer((request, response) => {
    answer(request, routes).then(
      ({ status, headers, body }) => response.writeHead(status, headers).end(body),
      // The request broke off, or is none: there is nobody to answer.
      () => response.destroy(),
    );
  });
  const url = `http://127.0.0.1:${await listenOnLoopback(server, port)}`;
  return {
    url,
    async drain() {
      server.close();
      await once(server, 'close');
    },
  };
}

async function answer(request: IncomingMessage, routes: HttpFunction[]): Promise<PlainResponse> {
  const url = new URL(request.url ?? '/', `http://${request.headers.host ?? '127.0.0.1'}`);
  const matching = routes.flatMap((route) => {
    const params = route.match(url.pathname);
    return params ? [{ ...route, params }] : [];
  });
  if (matching.length === 0) {
    return { status: 404, headers: {} };
  }
  const chosen = matching.find(({ methods }) => methods.includes(request.method ?? 'GET'));
  if (!chosen) {
    return { status: 405, headers: { allow: matching.flatMap(({ methods }) => methods).join(', ') } };
  }
  const body = await buffer(request);
  const run = await chosen.run({ http: requestDataOf(request, url, chosen.params, body) });
  return run.kind === 'failed' ? { status: 500, headers: {} } : httpResponseOf(run.response.returnValue);
}

async function listenOnLoopback(server: Server, port: number | undefined): Promise<number> {
  try {
    server.listen(port ?? DEFAULT_PORT, '127.0.0.1');
    await once(server, 'listening');
  } catch (error) {
    const taken = error instanceof Error && 'code' in error && error.code === 'EADDRINUSE';
    if (!taken) {
      throw error;
    }
    if (port !== undefined) {
      throw new Error(`Port ${port} is taken. Choose another one with --port, or 0 for any free one.`);
    }
    return listenOnLoopback(server, 0);
  }
  return (server.address() as AddressInfo).port;
}
