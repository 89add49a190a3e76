import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const HOST_PROGRAM = fileURLToPath(new URL('../host/main.ts', import.meta.url));
const APP_ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** A local host in a process of its own, as one instance of the app. */
export interface HostProcess {
  readonly pid: number;
  /** Where its HTTP functions are. */
  readonly url: string;
  /** Everything it has printed. */
  readonly output: readonly string[];
  /** Ends it as Ctrl-C does: work in flight is finished. */
  stop(): Promise<void>;
  /** Ends it at once, as a crash or a lost machine does. */
  kill(): Promise<void>;
}

export interface HostProcessOptions {
  /** Settings of the app; nothing else of this process's environment reaches it but what Node.js needs. */
  settings: Record<string, string>;
  appRoot?: string;
  /** Options for Node.js itself, such as `--import` of a module that bends the clock. */
  nodeOptions?: readonly string[];
  /** Hears each line as it is printed. */
  onLine?: (line: string) => void;
}

/**
 * Starts a host on a port that the system chooses.
 * @throws Error with the host's own output when it ends before it is ready.
 */
export async function startHostProcess(options: HostProcessOptions): Promise<HostProcess> {
  const { settings, appRoot = APP_ROOT, nodeOptions = [], onLine } = options;
  const { PATH = '', HOME = '', TMPDIR } = process.env;
  const child = spawn(process.execPath, [HOST_PROGRAM, '--app-root', appRoot, '--port', '0'], {
    env: {
      PATH,
      HOME,
      ...(TMPDIR !== undefined && { TMPDIR }),
      ...(nodeOptions.length > 0 && { NODE_OPTIONS: nodeOptions.join(' ') }),
      ...settings,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = once(child, 'exit');
  const killWithUs = () => child.kill('SIGKILL');
  process.once('exit', killWithUs);

  const output: string[] = [];
  const ready = Promise.withResolvers<string>();
  const hear = (line: string) => {
    output.push(line);
    onLine?.(line);
    const [, url] = /^Host is ready: (\S+)$/.exec(line) ?? [];
    if (url !== undefined) ready.resolve(url);
  };
  createInterface({ input: child.stdout }).on('line', hear);
  createInterface({ input: child.stderr }).on('line', hear);
  ended.then(() => {
    process.off('exit', killWithUs);
    ready.reject(new Error(`The host ended before it was ready. It said:\n${output.join('\n')}`));
  });

  const url = await ready.promise;
  const end = async (signal: NodeJS.Signals) => {
    if (child.exitCode === null && child.signalCode === null) child.kill(signal);
    await ended;
  };
  return { pid: child.pid ?? 0, url, output, stop: () => end('SIGTERM'), kill: () => end('SIGKILL') };
}
