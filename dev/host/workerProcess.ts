import { fork } from 'node:child_process';
import { once } from 'node:events';
import { extname, join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';

import type { Log } from './log.ts';
import type { FunctionMetadata, InvocationRequest } from './rpcTypes.ts';
import type { Settings } from './settings.ts';
import type { FromWorker, InvocationOutcome, ToWorker } from './workerProtocol.ts';

/** It lies beside this module, which may have been bundled. */
const WORKER_PROGRAM = join(import.meta.dirname, `worker${extname(import.meta.filename)}`);
/** How long a worker may take over its `appTerminate` hooks before it is killed. */
const TERMINATION_MS = 5_000;

export interface WorkerOptions {
  appRoot: string;
  /** Become the environment of the functions. */
  settings: Settings;
  log: Log;
}

/** A process that has loaded the app. */
export interface WorkerProcess {
  readonly functions: readonly FunctionMetadata[];
  /** Resolves when the process is gone. */
  readonly ended: Promise<void>;
  invoke(functionName: string, request: InvocationRequest): Promise<InvocationOutcome>;
  /** Ends the process at once; what is in flight there fails with this reason. */
  kill(reason: string): void;
  /** Lets the app run its `appTerminate` hooks, then ends the process. */
  terminate(): Promise<void>;
}

/** @throws Error with the worker's own words when the app cannot be loaded. */
export async function launchWorker({ appRoot, settings, log }: WorkerOptions): Promise<WorkerProcess> {
  const child = fork(WORKER_PROGRAM, [appRoot], {
    cwd: appRoot,
    env: settings,
    execArgv: [],
    serialization: 'advanced',
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  const closed = once(child, 'close').then(() => {});
  const inFlight = new Map<string, (outcome: InvocationOutcome) => void>();
  const complaints: string[] = [];
  let ready = false;
  let endReason = 'The process that ran the function ended.';

  void forEachLine(child.stdout, (message) => log({ level: 'information', message }));
  void forEachLine(child.stderr, (message) =>
    ready ? log({ level: 'error', message }) : complaints.push(message),
  );
  const loaded = new Promise<readonly FunctionMetadata[]>((resolve) => {
    child.on('message', (message: FromWorker) => {
      if (message.kind === 'ready') {
        return resolve(message.functions);
      }
      if (message.kind === 'log') {
        return log(message.entry);
      }
      inFlight.get(message.invocationId)?.(message.outcome);
    });
  });
  const functions = await Promise.race([loaded, closed]);
  if (!functions) {
    throw new Error(`The app in ${appRoot} could not be loaded:\n${complaints.join('\n')}`);
  }
  ready = true;
  void closed.then(() => {
    for (const settle of inFlight.values()) {
      settle({ kind: 'failed', reason: endReason });
    }
  });

  function tell(message: ToWorker): void {
    // A process that is just ending takes no message; `closed` settles what was asked of it.
    if (child.connected) {
      child.send(message, () => {});
    }
  }

  return {
    functions,
    ended: closed,
    async invoke(functionName, request) {
      try {
        return await new Promise<InvocationOutcome>((resolve) => {
          inFlight.set(request.invocationId, resolve);
          tell({ kind: 'invoke', functionName, request });
        });
      } finally {
        inFlight.delete(request.invocationId);
      }
    },
    kill(reason) {
      endReason = reason;
      child.kill('SIGKILL');
    },
    async terminate() {
      tell({ kind: 'terminate' });
      const patience = setTimeout(() => child.kill('SIGKILL'), TERMINATION_MS);
      await closed;
      clearTimeout(patience);
    },
  };
}

async function forEachLine(stream: Readable | null, use: (line: string) => void): Promise<void> {
  if (stream) {
    for await (const line of createInterface({ input: stream })) {
      use(line);
    }
  }
}
