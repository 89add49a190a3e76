import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

const END_WITH_PARENT = new URL('./endWithParent.ts', import.meta.url).href;

export interface ProgramOptions<Ready> {
  /** For a person, such as `Azurite`. */
  name: string;
  /** Path of its main module. */
  path: string;
  arguments: readonly string[];
  /** The Node.js that runs it; this process's own when left out. */
  node?: string | undefined;
  /** Modules to load before the main one. */
  preload?: readonly string[];
  /** This process's own when left out. */
  environment?: NodeJS.ProcessEnv;
  /** Is given each line that it prints, until the answer is what others need to use it. */
  readyFrom: (line: string) => Ready | undefined;
  /** Hears each line as it is printed. */
  onLine?: ((line: string) => void) | undefined;
}

/** A Node.js program in a process of its own, which never outlives this process. */
export interface Program<Ready> {
  readonly ready: Ready;
  readonly pid: number;
  /** Everything it has printed. */
  readonly output: readonly string[];
  /** Resolves when it is gone. */
  readonly ended: Promise<void>;
  /** Sends the signal and waits for the end. */
  end(signal: NodeJS.Signals): Promise<void>;
}

/**
 * Starts a program and waits until it is ready. Ctrl-C in a terminal does not reach it: whoever started it decides
 * in which order things end.
 * @throws Error with the program's own output when it ends before it is ready.
 */
export async function startProgram<Ready>(options: ProgramOptions<Ready>): Promise<Program<Ready>> {
  const imports = [END_WITH_PARENT, ...(options.preload ?? [])].flatMap((module) => ['--import', module]);
  const child = spawn(options.node ?? process.execPath, [...imports, options.path, ...options.arguments], {
    env: options.environment ?? process.env,
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    detached: true,
    windowsHide: true,
  });
  const ended = once(child, 'close').then(() => {});
  const output: string[] = [];
  const readiness = Promise.withResolvers<Ready>();
  let isReady = false;
  const hear = (line: string) => {
    output.push(line);
    options.onLine?.(line);
    const ready = isReady ? undefined : options.readyFrom(line);
    if (ready === undefined) {
      return;
    }
    isReady = true;
    readiness.resolve(ready);
  };
  // The pipes exist because `stdio` asks for them.
  for (const stream of [child.stdout, child.stderr]) {
    if (stream !== null) {
      createInterface({ input: stream }).on('line', hear);
    }
  }
  void ended.then(() =>
    readiness.reject(
      new Error(`${options.name} ended before it was ready. It said:\n${output.join('\n') || '(nothing)'}`),
    ),
  );

  return {
    ready: await readiness.promise,
    pid: child.pid ?? 0,
    output,
    ended,
    async end(signal) {
      if (child.exitCode === null && child.signalCode === null) {
        child.kill(signal);
      }
      await ended;
    },
  };
}
