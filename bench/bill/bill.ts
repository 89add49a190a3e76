import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { readHostJson } from '#dev/host/hostJson.ts';
import { type Stack, startStack } from '#dev/stack/stack.ts';
import { putAll } from '../support/queueMessages.ts';
import { type RunEvent, runEventIn } from '../support/runEvents.ts';
import { billedMs, type Usage } from './cost.ts';
import { countOperations, type OperationCounts, operationIn } from './operations.ts';
import { type Prices, readPrices } from './prices.ts';
import { usagePerAlert } from './usage.ts';

export interface Bill {
  prices: Prices;
  /** What a call takes: the function is billed while it waits for it. */
  apiMs: number;
  /** The host's longest delay between two polls. */
  pollIntervalMs: number;
  measurements: BillMeasurement[];
}

export interface BillMeasurement {
  name: string;
  alerts: number;
  executions: number;
  /** For how long instances are billed, all of them together. */
  billedMs: number;
  /** What the function logged about its runs. */
  logBytes: number;
  /** Counted in the storage service's access log. */
  operations: OperationCounts;
  /** Requests for messages that brought none, among `operations.receive`. */
  emptyPolls: number;
  /** For queues and tables that may be missing, at the start of each process. */
  startOperations: number;
  usagePerAlert: Usage;
}

const API_MS = 250;
const TIME_LIMIT_MS = 60_000;
const APP_ROOT = fileURLToPath(new URL('../../', import.meta.url));
const { batchSize, maxPollingInterval } = readHostJson(APP_ROOT).extensions.queues;

export async function measureBill(onProgress: (text: string) => void): Promise<Bill> {
  const prices = readPrices();
  onProgress('one at a time');
  const single = await measureSingly(30, prices);
  onProgress('a backlog');
  const backlog = await measureBacklog(400, 2, prices);
  return { prices, apiMs: API_MS, pollIntervalMs: maxPollingInterval, measurements: [single, backlog] };
}

/** One alert after another through one process that is up already: the dearest way, nothing is shared. */
function measureSingly(alerts: number, prices: Prices): Promise<BillMeasurement> {
  return withObservedStack(1, async ({ stack, seen, startHosts }) => {
    await startHosts();
    const queue = stack.queues.getQueueClient('alerts');
    const [first = '', ...others] = newAlerts(stack, alerts + 1);
    // The first alert of a process starts it up.
    await queue.sendMessage(first);
    await untilDone(seen, 1);
    const startOperations = creations(seen);
    seen.requests.length = 0;
    for (const runs of seen.runs) {
      runs.length = 0;
    }
    for (const [index, alertId] of others.entries()) {
      await queue.sendMessage(alertId);
      await untilDone(seen, index + 1);
    }
    const name = 'one at a time';
    return measurementOf({ name, alerts, fullPolls: alerts, startOperations }, seen, prices);
  });
}

/** All alerts wait when the processes start. */
function measureBacklog(alerts: number, hosts: number, prices: Prices): Promise<BillMeasurement> {
  return withObservedStack(hosts, async ({ stack, seen, startHosts }) => {
    await putAll(stack.queues.getQueueClient('alerts'), newAlerts(stack, alerts));
    await startHosts();
    await untilDone(seen, alerts);
    return measurementOf(
      {
        name: `a backlog, ${hosts} hosts`,
        alerts,
        // Until the last batch the queue was never short of one.
        fullPolls: Math.ceil(alerts / batchSize),
        startOperations: creations(seen) / hosts,
      },
      seen,
      prices,
    );
  });
}

/** What the storage service and the hosts have told. */
interface Seen {
  /** Lines of the access log. */
  requests: string[];
  /** By host. */
  runs: RunEvent[][];
}

interface Observed {
  stack: Stack;
  seen: Seen;
  startHosts(): Promise<unknown>;
}

async function withObservedStack(
  hosts: number,
  measure: (observed: Observed) => Promise<BillMeasurement>,
): Promise<BillMeasurement> {
  const seen: Seen = { requests: [], runs: Array.from({ length: hosts }, () => []) };
  const stack = await startStack({
    simulator: {
      limits: [{ calls: 10_000, windowMs: 60_000 }],
      latency: { least: API_MS, most: API_MS },
    },
    azurite: { onRequest: (line) => seen.requests.push(line) },
    settings: {
      ALERTS_QUEUE: 'alerts',
      ENRICHMENTS_QUEUE: 'enrichments',
      ENRICHMENTS_TABLE: 'AlertEnrichments',
      STATE_TABLE: 'EnrichmentState',
      // Never reached; a window as long as the real one, because short ones have calls booked anew that take long.
      DEFENDER_RATE_LIMITS: '10000/1m',
      AZURE_FUNCTIONS_ENVIRONMENT: 'Development',
      BULK_LOOKUPS: 'off',
    },
  });
  const startHost = (runs: RunEvent[]) =>
    stack.startHost({
      onLine(line) {
        const run = runEventIn(line);
        if (run !== undefined) {
          runs.push(run);
        }
      },
    });
  try {
    await stack.queues.getQueueClient('alerts').create();
    return await measure({ stack, seen, startHosts: () => Promise.all(seen.runs.map(startHost)) });
  } finally {
    await stack.stop();
  }
}

function newAlerts(stack: Stack, count: number): string[] {
  return stack.simulator.control.addNewAlerts(count).map(({ id }) => id);
}

/** @throws When time is up before so many messages are done with. */
async function untilDone({ requests, runs }: Seen, alerts: number): Promise<void> {
  const startedAt = Date.now();
  for (;;) {
    const settled = requests.filter((line) => operationIn(line) === 'settle').length;
    if (settled >= alerts && runs.flat().length >= alerts) {
      return;
    }
    if (Date.now() - startedAt > TIME_LIMIT_MS) {
      throw new Error(`${settled} of ${alerts} messages were done with in ${TIME_LIMIT_MS} ms.`);
    }
    await delay(20);
  }
}

/** How often queues and tables were created by the hosts, or tried to be. */
function creations({ requests }: Seen): number {
  const { createQueue, createTable } = countOperations(requests);
  const ownQueue = 1;
  return createQueue + createTable - ownQueue;
}

interface Known {
  name: string;
  alerts: number;
  /** How many requests for messages brought some: the access log does not tell. */
  fullPolls: number;
  startOperations: number;
}

function measurementOf(
  { name, alerts, fullPolls, startOperations }: Known,
  { requests, runs }: Seen,
  prices: Prices,
): BillMeasurement {
  const operations = countOperations(requests);
  const all = runs.flat();
  const billed = runs.map((ofHost) =>
    billedMs(
      ofHost.map(({ endedAt, durationMs }) => ({ from: endedAt - durationMs, to: endedAt })),
      prices.execution,
    ),
  );
  const measured = {
    name,
    alerts,
    executions: all.length,
    billedMs: billed.reduce((sum, each) => sum + each, 0),
    logBytes: all.reduce((sum, { logBytes }) => sum + logBytes, 0),
    operations,
    emptyPolls: operations.receive - fullPolls,
    startOperations,
  };
  return { ...measured, usagePerAlert: usagePerAlert(measured, prices) };
}
