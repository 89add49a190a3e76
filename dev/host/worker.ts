/**
 * The process that runs the app's functions, started by the local host (see functionsWorker.ts) with the app's
 * folder as its argument. As in Azure it is the host that polls, leases and times out; this process only loads
 * the app and answers invocations. An unhandled rejection ends it, as it ends the real worker.
 */
import { inspect } from 'node:util';
import { loadApp } from './appLoader.ts';
import { installFunctionsCore } from './functionsCore.ts';
import type { InvocationRequest } from './rpcTypes.ts';
import type { FromWorker, InvocationOutcome, ToWorker } from './workerProtocol.ts';

function tell(message: FromWorker): void {
  // After the host is gone nobody listens; the `disconnect` below ends this process.
  if (process.connected) {
    process.send?.(message);
  }
}

const core = installFunctionsCore((entry) => tell({ kind: 'log', entry }));

async function outcomeOf(functionName: string, request: InvocationRequest): Promise<InvocationOutcome> {
  try {
    return { kind: 'succeeded', response: await core.invoke(functionName, request) };
  } catch (error) {
    return {
      kind: 'failed',
      reason: error instanceof Error ? (error.stack ?? error.message) : inspect(error),
    };
  }
}

process.on('message', async (message: ToWorker) => {
  if (message.kind === 'terminate') {
    await core.terminate();
    process.exit(0);
  }
  const { functionName, request } = message;
  tell({
    kind: 'outcome',
    invocationId: request.invocationId,
    outcome: await outcomeOf(functionName, request),
  });
});
process.on('disconnect', () => process.exit(1));
// Ctrl-C in a terminal reaches this process too, but it is the host that drains and then ends it.
process.on('SIGINT', () => {});
process.on('SIGTERM', () => {});

const [, , appRoot] = process.argv;
if (!appRoot) {
  throw new Error('The worker is started by the local host, not by hand: node dev/host/main.ts');
}
await loadApp(appRoot);
await core.start();
tell({ kind: 'ready', functions: core.functions });
