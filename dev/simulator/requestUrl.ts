import type { IncomingMessage } from 'node:http';

/** The address that a request was sent to. A target that is no path, which only a broken client sends, counts as `/`. */
export function requestUrl(request: IncomingMessage): URL {
  const target = request.url?.startsWith('/') ? request.url : '/';
  return new URL(`http://127.0.0.1:${request.socket.localPort}${target}`);
}
