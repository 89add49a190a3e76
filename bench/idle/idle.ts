import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { readHostJson } from '#dev/host/hostJson.ts';
import { seededRandom } from '#dev/simulator/random.ts';
import { type Stack, startStack } from '#dev/stack/stack.ts';
import { type RunEvent, runEventIn } from '../support/runEvents.ts';

export interface IdlePlan {
  /** Hosts with queues of their own, side by side, so that many can be idle at the same time. */
  lanes: number;
  alertsPerLane: number;
}

export interface IdleMeasurement extends IdlePlan {
  /** The host's longest delay between two polls, from host.json. */
  pollIntervalMs: number;
  /** What each call took, which the latencies do not contain. */
  apiMs: number;
  /** From the answer to the producer's Put Message until the enrichment's Put Message was served. */
  latenciesMs: number[];
  /** Of these, what the function took. */
  functionMs: number[];
}

export const plan: IdlePlan = { lanes: 10, alertsPerLane: 3 };

const APP_ROOT = fileURLToPath(new URL('../../', import.meta.url));
const API_MS = 200;
/**
 * With empty polls the delay between them doubles from 0.1 s on; after so many times the longest delay it has grown
 * to that, however it was rounded up at random.
 */
const IDLE_POLL_INTERVALS = 3;
const TIME_LIMIT_MS = 20_000;

export async function measureIdle(
  plan: IdlePlan,
  onProgress: (text: string) => void,
): Promise<IdleMeasurement> {
  const published = new Map<string, () => void>();
  const stack = await startStack({
    simulator: {
      limits: [{ calls: 10_000, windowMs: 60_000 }],
      latency: { least: API_MS, most: API_MS },
    },
    azurite: {
      onRequest(line) {
        const [, queue = ''] = /"POST \/\w+\/(enrichments\d+)\/messages\?.* 201 /.exec(line) ?? [];
        published.get(queue)?.();
      },
    },
    settings: {
      DEFENDER_RATE_LIMITS: '10000/1m',
      AZURE_FUNCTIONS_ENVIRONMENT: 'Development',
      BULK_LOOKUPS: 'off',
    },
  });
  const pollIntervalMs = readHostJson(APP_ROOT).extensions.queues.maxPollingInterval;
  const latenciesMs: number[] = [];
  const functionMs: number[] = [];

  try {
    const lanes = await Promise.all(
      Array.from({ length: plan.lanes }, (_, lane) => openLane(stack, lane, published)),
    );
    // What only the first alert of a process costs: modules, the token, queues and tables.
    await Promise.all(lanes.map(({ send }) => send()));
    await Promise.all(
      lanes.map(async ({ send, events }, lane) => {
        const random = seededRandom('idle', lane);
        for (let alert = 0; alert < plan.alertsPerLane; alert += 1) {
          await delay(pollIntervalMs * (IDLE_POLL_INTERVALS + random()));
          latenciesMs.push((await send()) - API_MS);
          onProgress(`${latenciesMs.length}/${plan.lanes * plan.alertsPerLane}`);
        }
        // A run is logged after its enrichment is published.
        await delay(pollIntervalMs);
        functionMs.push(...events.slice(1).map(({ durationMs }) => durationMs - API_MS));
      }),
    );
    return { ...plan, pollIntervalMs, apiMs: API_MS, latenciesMs, functionMs };
  } finally {
    await stack.stop();
  }
}

/** A host with queues and tables of its own. */
interface Lane {
  /** Sends one alert and waits for its enrichment; how long that took, in milliseconds. */
  send(): Promise<number>;
  readonly events: readonly RunEvent[];
}

async function openLane(stack: Stack, lane: number, published: Map<string, () => void>): Promise<Lane> {
  const names = {
    ALERTS_QUEUE: `alerts${lane}`,
    ENRICHMENTS_QUEUE: `enrichments${lane}`,
    ENRICHMENTS_TABLE: `AlertEnrichments${lane}`,
    STATE_TABLE: `EnrichmentState${lane}`,
  };
  const events: RunEvent[] = [];
  const queue = stack.queues.getQueueClient(names.ALERTS_QUEUE);
  await queue.create();
  await stack.startHost({
    settings: names,
    onLine(line) {
      const event = runEventIn(line);
      if (event !== undefined) {
        events.push(event);
      }
    },
  });
  return {
    events,
    async send() {
      const [alert] = stack.simulator.control.addNewAlerts(1);
      const arrival = Promise.withResolvers<number>();
      published.set(names.ENRICHMENTS_QUEUE, () => arrival.resolve(performance.now()));
      await queue.sendMessage(alert?.id ?? '');
      const sentAt = performance.now();
      AbortSignal.timeout(TIME_LIMIT_MS).addEventListener('abort', () =>
        arrival.reject(new Error(`No enrichment came within ${TIME_LIMIT_MS} ms.`)),
      );
      return (await arrival.promise) - sentAt;
    },
  };
}
