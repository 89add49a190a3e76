import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { type QueueClient, QueueServiceClient } from '@azure/storage-queue';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { type Azurite, startAzurite } from '#dev/stack/azurite.ts';
import { type FixtureApp, writeFixtureApp } from './fixtureApp.ts';

const source = `
app.storageQueue('work', {
  queueName: 'work',
  connection: 'Store',
  handler: async (message, context) => {
    context.log('took', message, 'attempt', context.triggerMetadata.dequeueCount);
    await delay(message.takes / context.triggerMetadata.dequeueCount);
    context.log('finished\\nsafely');
  },
});
app.hook.appTerminate(() => console.log('app terminated'));
`;
const program = fileURLToPath(new URL('../../../dev/host/main.ts', import.meta.url));

let azurite: Azurite;
let queue: QueueClient;
let app: FixtureApp;
const children: ChildProcess[] = [];

beforeAll(async () => {
  azurite = await startAzurite();
  queue = QueueServiceClient.fromConnectionString(azurite.connectionString).getQueueClient('work');
  await queue.create();
  app = writeFixtureApp({
    source,
    localSettings: { Store: azurite.connectionString, LOCAL_HOST_LEASE_SECONDS: '2' },
  });
});
beforeEach(async () => {
  await queue.clearMessages();
});
afterEach(async () => {
  await Promise.all(children.splice(0).map(kill));
});
afterAll(async () => {
  await azurite.stop();
  app.remove();
});

/** Ends a command at once, and waits until it has ended. */
async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) {
    return;
  }
  const closed = once(child, 'close');
  child.kill('SIGKILL');
  await closed;
}

/** Starts the command and collects what it prints. */
function run(...options: string[]) {
  const child = spawn(process.execPath, [program, ...options], { stdio: ['ignore', 'pipe', 'pipe'] });
  children.push(child);
  const output: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', (line) => output.push(line));
  }
  const saw = (text: string) =>
    vi.waitFor(() => expect(output.join('\n')).toContain(text), { timeout: 10_000, interval: 30 });
  return { child, output, saw, ended: once(child, 'close') };
}

test('The command says what it runs and where, and one line per log', async () => {
  const host = run('--app-root', app.appRoot, '--port', '0');
  await host.saw('Host is ready: http://127.0.0.1:');
  expect(host.output[0]).toBe('work: queueTrigger on "work"');
  await queue.sendMessage('{"takes":1}');
  await host.saw('information work: finished safely');
});

test('SIGTERM drains: the work in flight finishes, the app terminates, the exit code is 0', async () => {
  const host = run('--app-root', app.appRoot, '--port', '0');
  await queue.sendMessage('{"takes":800}');
  await host.saw('took');
  host.child.kill('SIGTERM');
  expect(await host.ended).toEqual([0, null]);
  expect(host.output.slice(-2)).toEqual([expect.stringContaining('finished safely'), 'app terminated']);
  expect((await queue.getProperties()).approximateMessagesCount).toBe(0);
});

test('A message whose host was killed comes again when the lease ends', async () => {
  const killed = run('--app-root', app.appRoot, '--port', '0');
  await queue.sendMessage('{"takes":5000}');
  await killed.saw('attempt 1');
  await kill(killed.child);
  expect(killed.output.join('\n')).not.toContain('finished');
  const next = run('--app-root', app.appRoot, '--port', '0');
  await next.saw('attempt 2');
});

test('A mistake ends the command with code 1 and a sentence', async () => {
  const taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  const address = taken.address();
  const port = typeof address === 'object' && address ? String(address.port) : '';
  const mistakes = [
    { options: ['--app-root', app.appRoot, '--port', port], says: `Port ${port} is taken.` },
    { options: ['--app-root', app.appRoot, '--port', 'seven'], says: '--port is "seven".' },
    { options: ['--app-root', `${app.appRoot}/built`], says: 'host.json' },
  ];
  for (const { options, says } of mistakes) {
    const host = run(...options);
    expect(await host.ended).toEqual([1, null]);
    expect(host.output.join('\n')).toContain(says);
  }
  taken.close();
});
