import type { CoreLog } from './functionsCore.ts';
import type { FunctionMetadata, InvocationRequest, InvocationResponse } from './rpcTypes.ts';

/** What the host tells the process that runs the functions. */
export type ToWorker =
  | { kind: 'invoke'; functionName: string; request: InvocationRequest }
  /** Run the `appTerminate` hooks and exit. */
  | { kind: 'terminate' };

/** What that process answers. */
export type FromWorker =
  | { kind: 'ready'; functions: readonly FunctionMetadata[] }
  | { kind: 'log'; entry: CoreLog }
  | { kind: 'outcome'; invocationId: string; outcome: InvocationOutcome };

export type InvocationOutcome =
  | { kind: 'succeeded'; response: InvocationResponse }
  /** `reason` is for people: the handler's error with its stack, or what happened to the worker. */
  | { kind: 'failed'; reason: string };
