import { once } from 'node:events';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { type Stack, startStack } from '#dev/stack/stack.ts';
import { createDefenderClient } from '#shared/sources/defender/defenderClient.ts';
import { startPipeline } from '../support/pipelineHarness.ts';

/** A proxy as companies have one: it forwards plain requests, and notes what it is asked to tunnel. */
async function startProxy(forwardTo: string) {
  const asked: string[] = [];
  const server = createServer((incoming, response) => {
    asked.push(`${incoming.method} ${incoming.url}`);
    const { pathname, search } = new URL(incoming.url ?? '', 'http://unknown');
    const outgoing = request(
      `${forwardTo}${pathname}${search}`,
      { method: incoming.method, headers: incoming.headers },
      (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(response);
      },
    );
    incoming.pipe(outgoing);
  });
  server.on('connect', (incoming, socket) => {
    asked.push(`CONNECT ${incoming.url}`);
    socket.end('HTTP/1.1 403 Forbidden\r\n\r\n');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url,
    asked,
    async stop() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

let stack: Stack;
let proxy: Awaited<ReturnType<typeof startProxy>>;
const names = ['HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY'] as const;
const saved = names.map((name) => process.env[name]);

beforeAll(async () => {
  stack = await startStack();
});
beforeEach(async () => {
  proxy = await startProxy(stack.simulator.apiUrl);
});
afterEach(async () => {
  names.forEach((name, index) => {
    if (saved[index] === undefined) {
      delete process.env[name];
    } else {
      process.env[name] = saved[index];
    }
  });
  await proxy.stop();
});
afterAll(() => stack.stop());

const lookUp = (apiUrl: string) =>
  createDefenderClient(apiUrl, () => new Date()).machineOfAlert(
    'alert-1',
    'no-token',
    AbortSignal.timeout(10_000),
  );

test('Defender is asked through the proxy of the environment, by http and by a tunnel for https', async () => {
  process.env.HTTP_PROXY = proxy.url;
  process.env.HTTPS_PROXY = proxy.url;
  expect(await lookUp('http://defender.example')).toMatchObject({ kind: 'unauthorized' });
  expect(await lookUp('https://defender.example')).toMatchObject({ kind: 'unavailable' });
  expect(proxy.asked).toEqual([
    'GET http://defender.example/api/alerts/alert-1/machine',
    'CONNECT defender.example:443',
  ]);
});

test('a host that NO_PROXY names is asked directly', async () => {
  process.env.HTTP_PROXY = proxy.url;
  process.env.NO_PROXY = '127.0.0.1';
  expect(await lookUp(stack.simulator.apiUrl)).toMatchObject({ kind: 'unauthorized' });
  expect(proxy.asked).toEqual([]);
});

test('the app and its host ask nothing on this machine through a proxy: storage, identity and simulator', async () => {
  const pipeline = await startPipeline(stack, { HTTP_PROXY: proxy.url, HTTPS_PROXY: proxy.url });
  const [alert] = stack.simulator.control.addNewAlerts(1);
  await pipeline.submit(alert?.id);
  expect((await pipeline.enrichmentOf(alert?.id ?? '')).enrichment.outcome).toBe('enriched');
  expect(proxy.asked).toEqual([]);
});
