import { fileURLToPath } from 'node:url';
import { startProgram } from './program.ts';

/** The tests name the host in two files of its own, which starts in a third of the time. */
const HOST_PROGRAM =
  process.env.LOCAL_HOST_PROGRAM ?? fileURLToPath(new URL('../host/main.ts', import.meta.url));
const APP_ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** A local host in a process of its own, as one instance of the app. */
export interface HostProcess {
  readonly pid: number;
  /** The environment that it was given. */
  readonly environment: Readonly<Record<string, string>>;
  /** Where its HTTP functions are. */
  readonly url: string;
  /** Everything it has printed. */
  readonly output: readonly string[];
  /** Resolves when it is gone. */
  readonly ended: Promise<void>;
  /** Ends it as Ctrl-C does: work in flight is finished. */
  stop(): Promise<void>;
  /** Ends it at once, as a crash or a lost machine does. */
  kill(): Promise<void>;
}

export interface HostProcessOptions {
  /** Settings of the app; nothing else of this process's environment reaches it but what Node.js needs. */
  settings: Record<string, string>;
  appRoot?: string;
  /** Path of the Node.js that runs it; this process's own when left out. */
  node?: string;
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
  const { PATH = '', HOME = '', TMPDIR, NODE_COMPILE_CACHE } = process.env;
  const environment = {
    PATH,
    HOME,
    ...(TMPDIR !== undefined && { TMPDIR }),
    ...(NODE_COMPILE_CACHE !== undefined && { NODE_COMPILE_CACHE }),
    ...(nodeOptions.length > 0 && { NODE_OPTIONS: nodeOptions.join(' ') }),
    // What a developer has set for hosts of their own is none of this one's.
    LOCAL_HOST_SETTINGS: 'environment',
    ...settings,
  };
  const host = await startProgram({
    name: 'The host',
    path: HOST_PROGRAM,
    arguments: ['--app-root', appRoot, '--port', '0'],
    environment,
    node: options.node,
    readyFrom: (line) => /^Host is ready: (\S+)$/.exec(line)?.[1],
    onLine,
  });
  const { ready: url, pid, output, ended, end } = host;
  return { url, pid, environment, output, ended, stop: () => end('SIGTERM'), kill: () => end('SIGKILL') };
}
