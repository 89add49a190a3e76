import { once } from 'node:events';
import { createServer, request as forward, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Tells requests apart. */
export type RequestMatch = (method: string, path: string) => boolean;

/** What a proxy answers instead of the service. */
export interface Refusal {
  status: number;
  headers: Record<string, string>;
  body: string;
}

/** A way to an HTTP service that can be disturbed while the service itself stays as it is. */
export interface HttpProxy {
  /** Its own host and port. */
  readonly host: string;
  /** From now on requests that match are answered with the refusal. */
  refuse(matches: RequestMatch): void;
  /** From now on requests that match get no answer, ever, though their connections stay open. */
  hang(matches: RequestMatch): void;
  /** From now on everything passes. What hangs goes on hanging. */
  pass(): void;
  /** Requests refused so far, or left without an answer. */
  refused(): number;
  /**
   * Ends the caller of the next request that matches: `before` the service sees the request, or `after` the service
   * has answered it. The caller gets no answer either way.
   * @param end Ends the caller.
   * @returns When the caller's connection is gone, and so the caller itself.
   */
  endCaller(moment: 'before' | 'after', matches: RequestMatch, end: () => Promise<void>): Promise<void>;
  stop(): Promise<void>;
}

const UNAVAILABLE: Refusal = { status: 503, headers: {}, body: '' };

/** @param target Host and port of the service. */
export async function startHttpProxy(target: string, refusal = UNAVAILABLE): Promise<HttpProxy> {
  let isRefused: RequestMatch = () => false;
  let hangs: RequestMatch = () => false;
  let refused = 0;
  let ending:
    | { moment: 'before' | 'after'; matches: RequestMatch; now(response: ServerResponse): void }
    | undefined;

  const server = createServer((incoming, response) => {
    const { method = 'GET', url: path = '/', headers } = incoming;
    if (hangs(method, path)) {
      refused += 1;
      incoming.resume();
      return;
    }
    if (isRefused(method, path)) {
      refused += 1;
      incoming.resume();
      response.writeHead(refusal.status, refusal.headers).end(refusal.body);
      return;
    }
    const last = ending?.matches(method, path) ? ending : undefined;
    if (last !== undefined) {
      ending = undefined;
    }
    if (last?.moment === 'before') {
      incoming.resume();
      last.now(response);
      return;
    }
    const outgoing = forward(`http://${target}${path}`, { method, headers }, (answer) => {
      if (last !== undefined) {
        answer.resume().once('end', () => last.now(response));
        return;
      }
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
    host: `127.0.0.1:${port}`,
    refuse(matches) {
      isRefused = matches;
    },
    hang(matches) {
      hangs = matches;
    },
    pass() {
      isRefused = () => false;
      hangs = () => false;
    },
    refused: () => refused,
    endCaller(moment, matches, end) {
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      const now = (response: ServerResponse) => {
        response.once('close', resolve);
        end().catch(reject);
      };
      ending = { moment, matches, now };
      return promise;
    },
    async stop() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}
