import { app } from '@azure/functions';
import { registrationFrom } from '../shared/config/registration.ts';
import { ALL_METHODS } from '../shared/http/endpoint.ts';
import { withinTime } from '../shared/promises.ts';
import { errorText } from '../shared/telemetry/log.ts';
import { createGetLiveness } from './getLiveness.ts';
import type { Handlers } from './handlers.ts';

const { alertsQueue, pollSchedule, authLevel } = registrationFrom(process.env);

/** Their libraries take most of the start; registering the functions, which the host waits for, needs none of them. */
let loading: Promise<Handlers> | undefined;
function handlers(): Promise<Handlers> {
  loading ??= import('./handlers.ts').then(({ createHandlers }) => createHandlers(process.env));
  return loading;
}

function whenCalled<Args extends unknown[], Result>(
  choose: (handlers: Handlers) => (...args: Args) => Result | Promise<Result>,
): (...args: Args) => Promise<Result> {
  return async (...args) => choose(await handlers())(...args);
}

/** The host gives a worker only so long to start, and storage may be slow or away. */
const LONGEST_START_MS = 10_000;

/**
 * A wrong setting is thrown, so that the worker does not start and no message is taken
 * (https://github.com/Azure/azure-functions-nodejs-worker/blob/v3.x/src/startApp.ts); the host may not show why.
 */
app.hook.appStart(async () => {
  const { provisionStorage } = await handlers().catch((error: unknown) => {
    console.error(error instanceof Error ? error.message : String(error));
    throw error;
  });
  await withinTime(prepare(provisionStorage), LONGEST_START_MS, () => undefined);
});

/** Says on start what is amiss. Whatever needs the storage waits for this, and tries again where it failed. */
async function prepare(provisionStorage: Handlers['provisionStorage']): Promise<void> {
  try {
    const missing = await provisionStorage();
    if (missing.length > 0) {
      console.warn(`The identity may not create ${missing.join(', ')}: each must exist already.`);
    }
  } catch (error) {
    console.error(`Queues and tables could not be created: ${errorText(error)}`);
  }
}

app.storageQueue('enrichAlert', {
  queueName: alertsQueue,
  connection: 'AlertsStorage',
  handler: whenCalled(({ enrichAlert }) => enrichAlert),
});

if (pollSchedule !== undefined) {
  app.timer('pollAlerts', { schedule: pollSchedule, handler: whenCalled(({ pollAlerts }) => pollAlerts) });
}

function http(name: 'submitEnrichments' | 'getEnrichment' | 'getQuota' | 'getHealth', route: string): void {
  app.http(name, { route, methods: ALL_METHODS, authLevel, handler: whenCalled((all) => all[name]) });
}

http('submitEnrichments', 'enrichments');
http('getEnrichment', 'enrichments/{alertId}');
http('getQuota', 'quota');
http('getHealth', 'health');

app.http('getLiveness', {
  route: 'live',
  methods: ALL_METHODS,
  authLevel: 'anonymous',
  handler: createGetLiveness(),
});
