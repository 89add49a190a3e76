/** Command line of the local host: `node dev/host/main.ts [--app-root <folder>] [--port <number>]`. */
import { parseArgs } from 'node:util';
import { type RunningHost, startHost } from './host.ts';
import { loadSettings } from './settings.ts';

// The storage emulator is on this machine: it is never asked through a proxy.
process.env.NO_PROXY = [process.env.NO_PROXY, 'localhost', '127.0.0.1', '[::1]'].filter(Boolean).join();
const host = await start().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
});
// Also when the signal comes twice, as it does through npm: the drain is bounded.
process.on('SIGINT', host.stop);
process.on('SIGTERM', host.stop);
process.exit(
  await host.closed.then(
    () => 0,
    () => 1,
  ),
);

async function start(): Promise<RunningHost> {
  const { values } = parseArgs({
    options: { 'app-root': { type: 'string', default: '.' }, port: { type: 'string' } },
  });
  const appRoot = values['app-root'];
  // The credential libraries read this process's environment: what local.settings.json holds belongs there too.
  Object.assign(process.env, loadSettings(appRoot, process.env));
  return startHost({ appRoot, ...portOption(values.port) });
}

function portOption(text: string | undefined): { port?: number } {
  if (text === undefined) {
    return {};
  }
  const port = Number(text);
  if (/^\d+$/.test(text) && port <= 65_535) {
    return { port };
  }
  throw new Error(`--port is "${text}". Give a number from 0 (any free port) to 65535.`);
}
