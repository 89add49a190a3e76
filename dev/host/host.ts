/**
 * A development host for Azure Functions apps: it loads the built app through the real `@azure/functions` library
 * and triggers its functions from queues, HTTP and timers with the semantics of the Functions host. The functions
 * run in a child process, as in Azure, so that one that exceeds `functionTimeout` can be ended and so that
 * leases are renewed while it is busy. It is for development and tests: no scaling, no keys, no identity of its own.
 */
import { resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type HostServices, type IndexedFunction, indexFunction } from './functionIndex.ts';
import { startFunctionsWorker } from './functionsWorker.ts';
import { readHostJson } from './hostJson.ts';
import { listenToHttp } from './httpListener.ts';
import type { Listener } from './listener.ts';
import { type Log, logToConsole } from './log.ts';
import { createQueueArrivals } from './queueArrivals.ts';
import type { FunctionMetadata } from './rpcTypes.ts';
import { isDisabled, leaseSeconds, loadSettings } from './settings.ts';

/** How long work in flight may take to finish when the host stops. */
const DRAIN_MS = 10_000;

export interface HostOptions {
  /** The folder with host.json, package.json and the built app. */
  appRoot: string;
  /** What the app's settings start from (default: this process's environment). */
  environment?: NodeJS.ProcessEnv;
  /** For HTTP, on loopback. 0: the system chooses. Without it: 7071, or any free one while that is taken. */
  port?: number;
  /** Receives each line of output (default: the console). */
  log?: Log;
}

export interface RunningHost {
  /** Where the HTTP-triggered functions are served, without the route prefix. */
  readonly url: string;
  /** Resolves after `stop`; rejects when the host had to stop by itself, with the reason, which it has logged. */
  readonly closed: Promise<void>;
  /** Takes no more work, lets work in flight finish for up to 10 s, runs the app's `appTerminate` hooks. */
  stop(): Promise<void>;
}

/**
 * Starts the host; it is ready when this resolves.
 * @throws Error for people when host.json, local.settings.json or the app cannot be loaded, or the port is taken.
 */
export async function startHost(options: HostOptions): Promise<RunningHost> {
  const { environment = process.env, port, log = logToConsole } = options;
  const appRoot = resolve(options.appRoot);
  const settings = loadSettings(appRoot, environment);
  const hostJson = readHostJson(appRoot);
  const lease = leaseSeconds(settings);
  const closed = Promise.withResolvers<void>();
  // Who does not ask for it learns of a failure from the log.
  closed.promise.catch(() => {});
  const listeners: Listener[] = [];
  let stopped: Promise<void> | undefined;

  const worker = await startFunctionsWorker({
    appRoot,
    settings,
    functionTimeoutMs: hostJson.functionTimeout,
    log,
    onFailure: stopBecause,
  });

  function stop(): Promise<void> {
    stopped ??= drain().then(() => closed.resolve());
    return stopped;
  }

  async function drain(): Promise<void> {
    const drained = Promise.all(listeners.map((listener) => listener.drain())).then(() => 'drained');
    const patience = new AbortController();
    const late = delay(DRAIN_MS, 'late', { signal: patience.signal }).catch(() => 'drained');
    if ((await Promise.race([drained, late])) === 'late') {
      log({
        level: 'warning',
        message: 'Some functions did not finish in time; their messages will come again.',
      });
    }
    patience.abort();
    await worker.stop();
  }

  function stopBecause(reason: unknown): void {
    if (stopped) {
      return;
    }
    log({ level: 'critical', message: `The host stops: ${reason}` });
    stopped = drain().then(() => closed.reject(reason));
  }

  const services = {
    settings,
    hostJson,
    leaseSeconds: lease,
    worker,
    arrivals: createQueueArrivals(),
    log,
    onRefused: stopBecause,
  };
  try {
    const functions = worker.functions.flatMap((metadata) => announce(metadata, services) ?? []);
    const http = functions.flatMap((indexed) => (indexed.kind === 'http' ? [indexed.http] : []));
    const httpListener = await listenToHttp(http, port);
    listeners.push(httpListener);
    log({ level: 'information', message: `Host is ready: ${httpListener.url}` });
    for (const indexed of functions) {
      if (indexed.kind === 'listener') {
        listeners.push(indexed.start());
      }
    }
    return { url: httpListener.url, closed: closed.promise, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Indexes one function and says so; one that is in error is left out while the others run, as in Azure. */
function announce(metadata: FunctionMetadata, services: HostServices): IndexedFunction | undefined {
  const { settings, log } = services;
  const { name } = metadata;
  if (isDisabled(name, settings)) {
    log({ level: 'information', message: `${name}: disabled by AzureWebJobs.${name}.Disabled` });
    return undefined;
  }
  try {
    const indexed = indexFunction(metadata, services);
    log({ level: 'information', message: `${name}: ${indexed.description}` });
    return indexed;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    log({ level: 'error', message: `${name}: in error and not started. ${reason}` });
    return undefined;
  }
}
