import { app, type InvocationContext } from '@azure/functions';
import type { RunningTelemetry } from '../shared/opentelemetry/start.ts';
import { withinTime } from '../shared/promises.ts';
import { errorText } from '../shared/storage/storageError.ts';
import type { RunningApp } from './runningApp.ts';

/** The app, loaded late: its libraries take most of the start, and registering the functions needs none of them. */
let starting: Promise<RunningApp> | undefined;
function runningApp(): Promise<RunningApp> {
  starting ??= import('./runningApp.ts').then(({ startApp }) => startApp(process.env));
  return starting;
}

/** Undefined while no invocation has begun; it resolves to undefined where telemetry is off or could not be started. */
let telemetry: Promise<RunningTelemetry | undefined> | undefined;

/** Telemetry is loaded with the first invocation, and only where it is on: no start waits for it. */
async function startTelemetry({ telemetryDeps }: RunningApp): Promise<RunningTelemetry | undefined> {
  if (telemetryDeps === undefined) {
    return undefined;
  }
  try {
    const { startOpenTelemetry } = await import('../shared/opentelemetry/start.ts');
    return await startOpenTelemetry(telemetryDeps);
  } catch (error) {
    // Alerts go on without it.
    console.error(`Telemetry could not be started: ${errorText(error)}`);
    return undefined;
  }
}

/**
 * The handler of a function, which is loaded and made with the first call.
 * @param load Imports the file of the handler and names what makes it there.
 * @example handler: loadedLate(async () => (await import('./handlers/getQuota.ts')).createGetQuota)
 */
export function loadedLate<Input, Result>(
  load: () => Promise<
    (
      app: RunningApp['application'],
      authorization: RunningApp['authorization'],
    ) => (input: Input, context: InvocationContext) => Result | Promise<Result>
  >,
): (input: Input, context: InvocationContext) => Promise<Result> {
  let handler: Promise<(input: Input, context: InvocationContext) => Result | Promise<Result>> | undefined;
  return async (input, context) => {
    const running = runningApp();
    telemetry ??= running.then(startTelemetry, () => undefined);
    handler ??= Promise.all([load(), running]).then(([create, { application, authorization }]) =>
      create(application, authorization),
    );
    const [handle, traced] = await Promise.all([handler, telemetry]);
    if (traced === undefined) {
      return handle(input, context);
    }
    const { traceParent: traceparent, traceState: tracestate } = context.traceContext ?? {};
    return traced.invoke({ traceparent, tracestate }, () => handle(input, context));
  };
}

/** Longest wait for storage at the start (ms): the host gives a worker little time, and storage may be slow or away. */
const LONGEST_START_MS = 10_000;

/**
 * A wrong setting is thrown, so that the worker does not start and no message is taken
 * (https://github.com/Azure/azure-functions-nodejs-worker/blob/v3.x/src/startApp.ts); the host may not show why.
 */
app.hook.appStart(async () => {
  const { application } = await runningApp().catch((error: unknown) => {
    console.error(error instanceof Error ? error.message : String(error));
    throw error;
  });
  await withinTime(prepareStorage(application.provisionStorage), LONGEST_START_MS, () => undefined);
});

app.hook.appTerminate(async () => {
  await (await telemetry)?.shutdown();
});

/** Says on start what is wrong. Each function that needs the storage waits for this, and tries again where it failed. */
async function prepareStorage(provisionStorage: () => Promise<string[]>): Promise<void> {
  try {
    const missing = await provisionStorage();
    if (missing.length > 0) {
      console.warn(`The identity may not create ${missing.join(', ')}: each must exist already.`);
    }
  } catch (error) {
    console.error(`Queues and tables could not be created: ${errorText(error)}`);
  }
}
