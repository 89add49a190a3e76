import { loadApp } from '#dev/host/appLoader.ts';
import { indexFunction } from '#dev/host/functionIndex.ts';
import { installFunctionsCore } from '#dev/host/functionsCore.ts';
import type { FunctionsWorker } from '#dev/host/functionsWorker.ts';
import { readHostJson } from '#dev/host/hostJson.ts';
import { logToConsole } from '#dev/host/log.ts';
import { createQueueArrivals } from '#dev/host/queueArrivals.ts';
import { leaseSeconds, loadSettings } from '#dev/host/settings.ts';

/**
 * Runs the app's queue function in this very process, so that one process can be measured with all that an alert
 * costs: the local host's polling and deleting, the real `@azure/functions` library and the app. The local host itself
 * has a second process for the functions, and what the two tell each other would be measured too.
 * @param onDone Hears of each message that the function is done with.
 */
export async function runQueueFunction(
  appRoot: string,
  functionName: string,
  onDone: () => void,
): Promise<void> {
  const core = installFunctionsCore(logToConsole);
  await loadApp(appRoot);
  await core.start();
  const metadata = core.functions.find(({ name }) => name === functionName);
  if (metadata === undefined) {
    throw new Error(`The app in ${appRoot} has no function "${functionName}".`);
  }
  const worker: FunctionsWorker = {
    functions: core.functions,
    async invoke(name, request) {
      const response = await core.invoke(name, request);
      onDone();
      return { kind: 'succeeded', response };
    },
    stop: () => core.terminate(),
  };
  const settings = loadSettings(appRoot, process.env);
  const indexed = indexFunction(metadata, {
    settings,
    hostJson: readHostJson(appRoot),
    leaseSeconds: leaseSeconds(settings),
    worker,
    arrivals: createQueueArrivals(),
    log: logToConsole,
    onRefused(error) {
      throw error;
    },
  });
  if (indexed.kind !== 'listener') {
    throw new Error(`"${functionName}" has no queue to listen to.`);
  }
  indexed.start();
}
