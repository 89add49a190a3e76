import { setTimeout as delay } from 'node:timers/promises';
import { app } from '@azure/functions';
import { requireAuthentication } from '../shared/config/httpSettings.ts';
import { readSettings } from '../shared/config/settings.ts';
import { ALL_METHODS } from '../shared/http/endpoint.ts';
import { createGetLiveness } from './getLiveness.ts';
import type { Handlers } from './handlers.ts';

const settings = readSettings(process.env);
const { authorization } = settings.http;
requireAuthentication(authorization, process.env);

/** Their libraries take most of the start; registering the functions, which the host waits for, needs none of them. */
let loading: Promise<Handlers> | undefined;
function handlers(): Promise<Handlers> {
  loading ??= import('./handlers.ts').then(({ createHandlers }) => createHandlers(settings));
  return loading;
}

function whenCalled<Args extends unknown[], Result>(
  choose: (handlers: Handlers) => (...args: Args) => Result | Promise<Result>,
): (...args: Args) => Promise<Result> {
  return async (...args) => choose(await handlers())(...args);
}

/** Says on start what is amiss. Whatever needs the storage waits for this, and tries again where it failed. */
async function prepareStorage(): Promise<void> {
  try {
    const { provisionStorage } = await handlers();
    const missing = await provisionStorage();
    if (missing.length > 0) {
      console.warn(`The identity may not create ${missing.join(', ')}: each must exist already.`);
    }
  } catch (error) {
    console.error(
      `Queues and tables could not be created: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}

/** The host gives a worker only so long to start, and storage may be slow or away. */
const LONGEST_START_MS = 10_000;
app.hook.appStart(() => Promise.race([prepareStorage(), delay(LONGEST_START_MS, undefined, { ref: false })]));

app.storageQueue('enrichAlert', {
  queueName: settings.queues.alerts,
  connection: 'AlertsStorage',
  handler: whenCalled(({ enrichAlert }) => enrichAlert),
});

if (settings.polling.schedule !== undefined) {
  app.timer('pollAlerts', {
    schedule: settings.polling.schedule,
    handler: whenCalled(({ pollAlerts }) => pollAlerts),
  });
}

function http(name: 'submitEnrichments' | 'getEnrichment' | 'getQuota' | 'getHealth', route: string): void {
  // App Service Authentication stands before the host, which then asks for no key.
  const authLevel = authorization === 'key' ? 'function' : 'anonymous';
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
