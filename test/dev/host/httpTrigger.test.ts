import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type FixtureApp, type StartedFixture, startFixtureHost, writeFixtureApp } from './fixtureApp.ts';

const source = `
app.http('echo', {
  route: 'echo/{name}/{part?}',
  methods: ['GET', 'POST'],
  handler: async (request) => ({
    status: 201,
    headers: { 'x-answer': request.headers.get('X-Question') ?? 'none' },
    jsonBody: {
      method: request.method,
      params: request.params,
      query: Object.fromEntries(request.query),
      body: await request.text(),
    },
  }),
});
app.http('fixed', { route: 'echo/fixed', authLevel: 'function', handler: () => ({ body: 'the literal route' }) });
app.get('named', () => undefined);
app.get('broken', () => { throw new Error('broken on purpose'); });
app.get('crashing', () => new Promise(() => { setImmediate(() => { throw new Error('outside of the call'); }); }));
`;

let app: FixtureApp;
let host: StartedFixture;
beforeAll(async () => {
  app = writeFixtureApp({ source });
  host = await startFixtureHost(app, {});
});
afterAll(async () => {
  await host.stop();
  app.remove();
});

describe('An HTTP-triggered function', () => {
  test('receives method, parameters, query, headers and body, and answers with status, headers and body', async () => {
    const response = await fetch(`${host.url}/api/echo/J%C3%BCrg/deep?a=1&b=2`, {
      method: 'POST',
      headers: { 'X-Question': 'why' },
      body: 'hello',
    });
    expect(response.status).toBe(201);
    expect(response.headers.get('x-answer')).toBe('why');
    expect(await response.json()).toEqual({
      method: 'POST',
      params: { name: 'Jürg', part: 'deep' },
      query: { a: '1', b: '2' },
      body: 'hello',
    });
  });

  test('may be called without its optional parameter', async () => {
    const response = await fetch(`${host.url}/api/echo/someone`);
    expect(await response.json()).toMatchObject({ params: { name: 'someone' } });
  });

  test('with a literal route is preferred, and its key is not asked for', async () => {
    expect(await (await fetch(`${host.url}/api/echo/fixed`)).text()).toBe('the literal route');
  });

  test('without a route is called by its name, and without an answer gives 204', async () => {
    expect((await fetch(`${host.url}/api/named`)).status).toBe(204);
  });

  test('is not found elsewhere (404) nor by another method (405)', async () => {
    expect((await fetch(`${host.url}/api/nothing`)).status).toBe(404);
    const response = await fetch(`${host.url}/api/echo/someone`, { method: 'DELETE' });
    expect(response.status).toBe(405);
    expect(response.headers.get('allow')).toBe('GET, POST');
  });

  test('that throws gives 500, and its error is logged', async () => {
    expect((await fetch(`${host.url}/api/broken`)).status).toBe(500);
    expect(host.lines('broken')[0]).toContain('Failed: Error: broken on purpose');
  });

  test('that ends its process gives 500, and the next call finds a new process', async () => {
    expect((await fetch(`${host.url}/api/crashing`)).status).toBe(500);
    expect(host.lines('crashing')).toEqual(['Failed: The process that ran the function ended.']);
    expect((await fetch(`${host.url}/api/echo/fixed`)).status).toBe(200);
  });
});
