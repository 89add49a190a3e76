/** Command line of the local host: `node dev/host/main.ts [--app-root <folder>] [--port <number>]`. */
import { parseArgs } from 'node:util';
import { startHost } from './host.ts';
import { loadSettings } from './settings.ts';

const { values } = parseArgs({
  options: { 'app-root': { type: 'string', default: '.' }, port: { type: 'string' } },
});
const appRoot = values['app-root'];

try {
  // The credential libraries read this process's environment: what local.settings.json holds belongs there too.
  Object.assign(process.env, loadSettings(appRoot, process.env));
  const host = await startHost({ appRoot, ...portOption(values.port) });
  // `once`: a second Ctrl-C does not wait for the drain.
  process.once('SIGINT', host.stop);
  process.once('SIGTERM', host.stop);
  await host.closed;
  process.exit(0);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
}

function portOption(text: string | undefined): { port?: number } {
  if (text === undefined) return {};
  const port = Number(text);
  if (/^\d+$/.test(text) && port <= 65_535) return { port };
  throw new Error(`--port is "${text}". Give a number from 0 (any free port) to 65535.`);
}
