import type { IncomingMessage } from 'node:http';

/**
 * The path and query of a request, on a server without a name of its own. A target that is no path, which only a broken
 * client sends, counts as `/`. The socket is not asked for its port: a socket that was reset has none.
 */
export function requestUrl(request: IncomingMessage): URL {
  const target = request.url?.startsWith('/') ? request.url : '/';
  return new URL(`http://127.0.0.1${target}`);
}
