import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { serveApiPage } from '#dev/openapi/apiPageServer.ts';

/** Stands in for the functions: says what it was asked. */
const functions = createServer(async (request, response) => {
  const body = await text(request);
  response.writeHead(202, { 'retry-after': '5' });
  response.end([request.method, request.url, request.headers.accept, body].join(' '));
});
let page: Awaited<ReturnType<typeof serveApiPage>>;

beforeAll(async () => {
  functions.listen(0, '127.0.0.1');
  await once(functions, 'listening');
  page = await serveApiPage(`http://127.0.0.1:${(functions.address() as AddressInfo).port}`);
});

afterAll(async () => {
  page.close();
  functions.close();
  functions.closeAllConnections();
});

test('the page and every file that it names are served', async () => {
  const answer = await fetch(page.url);
  const html = await answer.text();
  const files = [...html.matchAll(/(?:src|href)="(swagger-ui\/[^"]+)"/g)].map(([, file = '']) => file);

  expect(answer.headers.get('content-type')).toBe('text/html; charset=utf-8');
  expect(files).toHaveLength(2);
  for (const file of files) {
    expect((await fetch(new URL(file, page.url))).status).toBe(200);
  }
});

test('the page names no other host that a browser would ask', async () => {
  const html = await (await fetch(page.url)).text();
  const outside = html.replace(/<script type="application\/json".*?<\/script>/s, '');

  expect(outside).not.toMatch(/https?:\/\//);
  expect(html).toContain("default-src 'none'");
});

test('what is under /api/ goes to the functions and comes back as they answer', async () => {
  const answer = await fetch(new URL('/api/enrichments?wait=30', page.url), {
    method: 'POST',
    headers: { accept: 'text/markdown' },
    body: 'da1_2',
  });

  expect([answer.status, answer.headers.get('retry-after')]).toEqual([202, '5']);
  expect(await answer.text()).toBe('POST /api/enrichments?wait=30 text/markdown da1_2');
});

test.each(['/../package.json', '/README.md', '/%2e%2e/package.json'])('%s is not served', async (path) => {
  expect((await fetch(new URL(path, page.url))).status).toBe(404);
});

test('functions that are gone are answered for with 502', async () => {
  const lonely = await serveApiPage('http://127.0.0.1:9');
  try {
    expect((await fetch(new URL('/api/live', lonely.url))).status).toBe(502);
  } finally {
    lonely.close();
  }
});
