import type { FunctionMetadata, InvocationRequest } from './rpcTypes.ts';
import { launchWorker, type WorkerOptions, type WorkerProcess } from './workerProcess.ts';
import type { InvocationOutcome } from './workerProtocol.ts';

/** The app's functions, whichever process runs them at the moment. */
export interface FunctionsWorker {
  readonly functions: readonly FunctionMetadata[];
  /** Calls one function. One that outlives the timeout costs its process the life, and fails. */
  invoke(functionName: string, request: InvocationRequest): Promise<InvocationOutcome>;
  stop(): Promise<void>;
}

interface FunctionsWorkerOptions extends WorkerOptions {
  /** Undefined: functions may run for ever. */
  functionTimeoutMs: number | undefined;
  /** Called when the process ended and no new one could load the app. */
  onFailure: (error: Error) => void;
}

/**
 * Runs the app's functions in a child process. When a function exceeds the timeout, or the process ends by
 * itself, everything in flight there fails and a new process takes over, as the Functions host does it.
 * @throws Error when the app cannot be loaded.
 */
export async function startFunctionsWorker(options: FunctionsWorkerOptions): Promise<FunctionsWorker> {
  const { functionTimeoutMs, log, onFailure } = options;
  const first = await launchWorker(options);
  let current = Promise.resolve(first);
  let stopping = false;
  replaceWhenEnded(first);

  function replaceWhenEnded(worker: WorkerProcess): void {
    void worker.ended.then(() => {
      if (stopping) {
        return;
      }
      log({ level: 'warning', message: 'The process that ran the functions ended. Starting a new one.' });
      current = launchWorker(options);
      current.then(replaceWhenEnded, onFailure);
    });
  }

  return {
    functions: first.functions,
    async invoke(functionName, request) {
      const worker = await current.catch(() => undefined);
      if (!worker) {
        return { kind: 'failed', reason: 'The app could not be loaded again.' };
      }
      if (functionTimeoutMs === undefined) {
        return worker.invoke(functionName, request);
      }
      const expiry = setTimeout(() => {
        worker.kill(`"${functionName}" exceeded the functionTimeout of ${functionTimeoutMs / 1000} s.`);
      }, functionTimeoutMs);
      try {
        return await worker.invoke(functionName, request);
      } finally {
        clearTimeout(expiry);
      }
    },
    async stop() {
      stopping = true;
      const worker = await current.catch(() => undefined);
      await worker?.terminate();
    },
  };
}
