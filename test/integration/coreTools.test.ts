import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Stack, startStack } from '#dev/stack/stack.ts';
import { waitUntil } from '../support/waitUntil.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const areThere = spawnSync('func', ['--version']).status === 0;

test('Azure Functions Core Tools are there where they are expected', () => {
  const areExpected = process.env.CORE_TOOLS_EXPECTED === 'true';
  expect(areThere || !areExpected).toBe(true);
});

describe.skipIf(!areThere)('under the real Functions host', () => {
  let stack: Stack;
  let host: ChildProcess;
  let url: string;
  let output = '';

  beforeAll(async () => {
    stack = await startStack({ settings: { RETRY_BASE_DELAY: '100ms' } });
    const port = await freePort();
    url = `http://127.0.0.1:${port}`;
    host = spawn('func', ['start', '--no-build', '--port', String(port)], {
      cwd: ROOT,
      env: {
        PATH: process.env.PATH,
        HOME: process.env.HOME,
        FUNCTIONS_WORKER_RUNTIME: 'node',
        FUNCTIONS_CORE_TOOLS_TELEMETRY_OPTOUT: '1',
        AZURE_FUNCTIONS_ENVIRONMENT: 'Development',
        AzureWebJobsStorage: stack.azurite.connectionString,
        ...stack.settings,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
      // It starts a worker: all of them end as a group.
      detached: true,
    });
    for (const stream of [host.stdout, host.stderr]) {
      stream?.on('data', (chunk) => {
        output += chunk;
      });
    }
    // The first start downloads the extension bundle.
    await waitUntil('the host answers', isLive, { timeoutMs: 240_000, everyMs: 500 }).catch((error) => {
      throw new Error(`${error.message}. The host said:\n${output}`);
    });
  }, 300_000);

  afterAll(async () => {
    if (host?.pid !== undefined && host.exitCode === null) {
      process.kill(-host.pid, 'SIGKILL');
      await once(host, 'exit');
    }
    await stack?.stop();
  });

  async function isLive(): Promise<boolean> {
    const answer = await fetch(`${url}/api/live`).catch(() => undefined);
    return answer?.status === 200;
  }

  test('an alert from the queue and one ordered by HTTP are enriched', async () => {
    const [queued = '', ordered = ''] = stack.simulator.control.alertIds(2);
    await stack.queues.getQueueClient('alerts').sendMessage(queued);
    const order = await fetch(`${url}/api/enrichments?wait=30`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ alertId: ordered }),
    });
    expect(order.status).toBe(200);
    expect(await order.json()).toMatchObject({
      submissions: [{ status: 'final', enrichment: { outcome: 'enriched' } }],
    });
    const look = await fetch(`${url}/api/enrichments/${queued}?wait=30`);
    expect([look.status, await look.json()]).toMatchObject([200, { alertId: queued, outcome: 'enriched' }]);
  });
});

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return typeof address === 'object' && address !== null ? address.port : 0;
}
