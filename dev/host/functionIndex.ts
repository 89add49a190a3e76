import * as z from 'zod';
import { openQueue } from './connections.ts';
import { createFunctionRunner } from './functionRunner.ts';
import type { FunctionsWorker } from './functionsWorker.ts';
import type { HostJson } from './hostJson.ts';
import type { HttpFunction } from './httpListener.ts';
import { matcherOf, specificityOf } from './httpRoute.ts';
import type { Listener } from './listener.ts';
import type { Log } from './log.ts';
import { prepareOutputs } from './outputBindings.ts';
import type { QueueArrivals } from './queueArrivals.ts';
import { listenToQueue } from './queueListener.ts';
import { handleMessage } from './queueMessage.ts';
import type { Binding, FunctionMetadata } from './rpcTypes.ts';
import { parseSchedule } from './schedule.ts';
import { resolveNames, type Settings } from './settings.ts';
import { listenToTimer } from './timerListener.ts';

/** A function that is ready to be triggered. */
export type IndexedFunction = {
  /** For people: the trigger and what it listens to. */
  description: string;
} & ({ kind: 'http'; http: HttpFunction } | { kind: 'listener'; start(): Listener });

export interface HostServices {
  settings: Settings;
  hostJson: HostJson;
  /** How long a queue message stays hidden while it is worked on. */
  leaseSeconds: number;
  worker: FunctionsWorker;
  arrivals: QueueArrivals;
  log: Log;
  /** Storage refused in a way that no retry mends. */
  onRefused: (error: unknown) => void;
}

const queueTriggerSchema = z.object({
  queueName: z.string().toLowerCase(),
  connection: z.string().default(''),
});
const httpTriggerSchema = z.object({
  methods: z.array(z.string().toUpperCase()),
  route: z.string().optional(),
});
const timerTriggerSchema = z.object({ schedule: z.string(), runOnStartup: z.boolean().default(false) });

/**
 * Connects one registered function to its trigger and outputs.
 * @throws Error for people when a setting is missing or wrong, or the local host lacks a binding.
 */
export function indexFunction(metadata: FunctionMetadata, services: HostServices): IndexedFunction {
  const { settings, hostJson, worker, log } = services;
  const bindings = Object.fromEntries(
    Object.entries(metadata.bindings).map(([name, binding]) => [name, withNamesResolved(binding, settings)]),
  );
  const inputs = Object.entries(bindings).filter(([, { direction }]) => direction === 'in');
  const trigger = inputs.find(([, { type }]) => type.endsWith('Trigger'));
  const extraInput = inputs.find((input) => input !== trigger);
  if (!trigger) {
    throw new Error('It has no trigger.');
  }
  if (extraInput) {
    throw new Error(`The input binding "${extraInput[1].type}" is not supported by the local host.`);
  }
  const [triggerBindingName, binding] = trigger;
  const run = createFunctionRunner({
    functionName: metadata.name,
    triggerBindingName,
    worker,
    writeOutputs: prepareOutputs(bindings, { ...services, queues: hostJson.extensions.queues }),
    log,
  });

  switch (binding.type) {
    case 'queueTrigger': {
      const { queueName, connection } = queueTriggerSchema.parse(binding);
      const queue = openQueue(connection, queueName, settings);
      const poisonName = poisonNameOf(queueName);
      const poisonQueue = poisonName === undefined ? undefined : openQueue(connection, poisonName, settings);
      const forFunction: Log = (entry) => log({ functionName: metadata.name, ...entry });
      const onRefused = (error: unknown) => {
        const storage = `The queue "${queueName}" of the connection "${connection}"`;
        services.onRefused(
          new Error(
            `${storage} refused the host. Check its address, identity and role, or its key. It said: ${error}`,
          ),
        );
      };
      const handling = {
        ...services,
        queue,
        poisonQueue,
        run,
        options: hostJson.extensions.queues,
        log: forFunction,
        onRefused,
      };
      return {
        kind: 'listener',
        description: `queueTrigger on "${queueName}"`,
        start: () =>
          listenToQueue({
            ...handling,
            random: Math.random,
            handle: (message) => handleMessage(message, handling),
          }),
      };
    }
    case 'httpTrigger': {
      const { methods, route } = httpTriggerSchema.parse(binding);
      const template = `/${[hostJson.extensions.http.routePrefix, route ?? metadata.name].filter(Boolean).join('/')}`;
      return {
        kind: 'http',
        description: `httpTrigger ${methods.join(',')} ${template}`,
        http: { methods, match: matcherOf(template), specificity: specificityOf(template), run },
      };
    }
    case 'timerTrigger': {
      const { schedule, runOnStartup } = timerTriggerSchema.parse(binding);
      const parsed = parseSchedule(schedule);
      return {
        kind: 'listener',
        description: `timerTrigger at "${schedule}"`,
        start: () => listenToTimer({ schedule: parsed, runOnStartup, run }),
      };
    }
    default:
      throw new Error(
        `The trigger "${binding.type}" is not supported by the local host (queue, http, timer).`,
      );
  }
}

function withNamesResolved(binding: Binding, settings: Settings): Binding {
  const resolved: Binding = { ...binding };
  for (const [option, value] of Object.entries(binding)) {
    if (typeof value === 'string') {
      resolved[option] = resolveNames(value, settings);
    }
  }
  return resolved;
}

/** The host keeps no poison queue for a poison queue, nor where the name would be longer than Storage allows. */
function poisonNameOf(queueName: string): string | undefined {
  const poisonName = `${queueName}-poison`;
  return queueName.endsWith('-poison') || poisonName.length > 63 ? undefined : poisonName;
}
