import type { HttpHandler } from '@azure/functions';
import { HttpRequest, type HttpResponseInit, InvocationContext } from '@azure/functions';

/** Calls a handler as the host does, and keeps what it logs. */
export async function invoke(
  handler: HttpHandler,
  path: string,
  options: {
    method?: string;
    headers?: Record<string, string>;
    body?: unknown;
    params?: Record<string, string>;
  } = {},
) {
  const { method = 'GET', headers = {}, body, params = {} } = options;
  const url = new URL(path, 'http://localhost/api/');
  const events: Record<string, unknown>[] = [];
  const request = new HttpRequest({
    method,
    url: url.href,
    headers: { ...(body !== undefined && { 'content-type': 'application/json' }), ...headers },
    query: Object.fromEntries(url.searchParams),
    params,
    ...(body !== undefined && { body: { string: JSON.stringify(body) } }),
  });
  const context = new InvocationContext({
    invocationId: '3a2f0c52-0000-4000-8000-000000000009',
    functionName: 'tested',
    logHandler: (_level, text) => events.push(JSON.parse(String(text))),
  });
  const { status = 0, headers: answered, body: text } = (await handler(request, context)) as HttpResponseInit;
  const answer = {
    status,
    headers: answered as Record<string, string>,
    text: text as string | undefined,
    events,
  };
  return { ...answer, json: () => JSON.parse(answer.text ?? '') };
}
