import { randomBytes, randomUUID } from 'node:crypto';
import type { FunctionsWorker } from './functionsWorker.ts';
import type { Log } from './log.ts';
import type { InvocationRequest, InvocationResponse, TypedData } from './rpcTypes.ts';

/** How one call of a function ended; a failure has been logged. */
export type FunctionRun = { kind: 'succeeded'; response: InvocationResponse } | { kind: 'failed' };

export type FunctionRunner = (
  input: TypedData,
  triggerMetadata?: Record<string, TypedData>,
) => Promise<FunctionRun>;

/** Calls one function and writes its outputs; an output that cannot be written fails the call, as in Azure. */
export function createFunctionRunner(options: {
  functionName: string;
  triggerBindingName: string;
  worker: FunctionsWorker;
  writeOutputs: (response: InvocationResponse) => Promise<void>;
  log: Log;
}): FunctionRunner {
  const { functionName, triggerBindingName, worker, writeOutputs, log } = options;

  function fail(reason: string): FunctionRun {
    log({ level: 'error', functionName, message: `Failed: ${reason}` });
    return { kind: 'failed' };
  }

  return async (input, triggerMetadata = {}) => {
    const request: InvocationRequest = {
      invocationId: randomUUID(),
      inputData: [{ name: triggerBindingName, data: input }],
      triggerMetadata,
      traceContext: { traceParent: createTraceParent(), traceState: '', attributes: {} },
    };
    const outcome = await worker.invoke(functionName, request);
    if (outcome.kind === 'failed') {
      return fail(outcome.reason);
    }
    try {
      await writeOutputs(outcome.response);
    } catch (error) {
      return fail(`its output could not be written. ${error}`);
    }
    return outcome;
  };
}

/** A new trace in W3C form. */
function createTraceParent(): string {
  return `00-${randomBytes(16).toString('hex')}-${randomBytes(8).toString('hex')}-01`;
}
