import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { TableClient } from '@azure/data-tables';
import type { QueueClient } from '@azure/storage-queue';
import type { FaultRates } from '#dev/simulator/faults.ts';
import { seededRandom } from '#dev/simulator/random.ts';
import { type Stack, startStack } from '#dev/stack/stack.ts';
import type { Enrichment } from '#shared/enrichment/enrichment.ts';
import { withRepeats } from '../support/repeats.ts';
import { type Balance, type Books, balance, type Run } from './balance.ts';
import { startCrew } from './crew.ts';

/** How hard the soak is. */
export interface SoakPlan {
  name: string;
  /** Whether many alerts are looked up by lists. */
  bulk: 'auto' | 'off';
  seed: string;
  submissions: number;
  /** The share of submissions (0 to 1) whose alert was submitted before. */
  repeats: number;
  hosts: number;
  /** The submissions come in evenly over this time. */
  feedMs: number;
  /** How often a host is killed, if the one before is replaced by then. */
  killEveryMs: number;
  /** When the storage service is restarted, from the start. */
  storageRestartAfterMs: number;
  faults: FaultRates;
  /** The soak ends here even if submissions are left. */
  timeLimitMs: number;
}

export interface SoakResult extends Balance {
  plan: SoakPlan;
  kills: number;
  storageRestartMs: number;
  /** What the hosts gave up on after five deliveries. */
  poisoned: number;
  durationMs: number;
}

const TICK_MS = 200;
const names = {
  ALERTS_QUEUE: 'alerts',
  ENRICHMENTS_QUEUE: 'enrichments',
  ENRICHMENTS_TABLE: 'AlertEnrichments',
};

/** Times as they are to each other in production: a lease outlasts a claim, and a claim a run. */
const settings = {
  ...names,
  DEFENDER_RATE_LIMITS: '10000/1s',
  LOCAL_HOST_LEASE_SECONDS: '20',
  CLAIM_EXPIRY: '15s',
  IN_PROCESS_WAIT: '3s',
  RETRY_BASE_DELAY: '500ms',
  NOT_FOUND_RETRIES: '2s,4s,8s',
  AZURE_FUNCTIONS_ENVIRONMENT: 'Development',
};

export async function soak(plan: SoakPlan, onProgress: (text: string) => void): Promise<SoakResult> {
  const dataFolder = mkdtempSync(join(tmpdir(), 'enrichment-soak-'));
  const stack = await startStack({
    simulator: {
      seed: plan.seed,
      roles: ['Machine.Read.All', 'Alert.Read.All'],
      limits: [{ calls: 10_000, windowMs: 1_000 }],
      latency: { least: 20, most: 80 },
    },
    azurite: { dataFolder },
    // Hosts start so often that compiling them would take most of the machine.
    settings: {
      ...settings,
      BULK_LOOKUPS: plan.bulk,
      NODE_COMPILE_CACHE: join(dataFolder, 'compiled'),
    },
  });
  try {
    return await run(plan, stack, onProgress);
  } finally {
    await stack.stop();
    rmSync(dataFolder, { recursive: true, force: true });
  }
}

async function run(plan: SoakPlan, stack: Stack, onProgress: (text: string) => void): Promise<SoakResult> {
  const random = seededRandom(plan.seed, 'soak');
  const [alerts, poison, enrichments] = [
    names.ALERTS_QUEUE,
    `${names.ALERTS_QUEUE}-poison`,
    names.ENRICHMENTS_QUEUE,
  ].map((name) => stack.queues.getQueueClient(name)) as [QueueClient, QueueClient, QueueClient];
  await Promise.all([alerts, poison, enrichments].map((queue) => queue.create()));
  const { waiting, devices } = alertsToSubmit(plan, stack);
  stack.simulator.control.setFaultRates(plan.faults);
  // One that ends in order fills the compile cache; one that is killed does not.
  await (await stack.startHost()).stop();
  const runs: Run[] = [];
  const crew = await startCrew(
    plan.hosts,
    () => stack.startHost({ onLine: (line) => runs.push(...runsIn(line)) }),
    random,
  );

  const submitted = new Map<string, string>();
  const messages = new Map<string, Books['messages'][number]>();
  const startedAt = Date.now();
  let storageRestartMs = 0;
  let lastKillAt = 0;
  // One thing after another, so that no request of our own is under way while the storage service restarts.
  for (let elapsed = 0; elapsed < plan.timeLimitMs; elapsed = Date.now() - startedAt) {
    const due = Math.ceil(plan.submissions * Math.min(1, elapsed / plan.feedMs)) - submitted.size;
    for (const [submissionId, alertId] of await submit(alerts, waiting.splice(0, due))) {
      submitted.set(submissionId, alertId);
    }
    for (const [messageId, message] of await take(enrichments)) {
      messages.set(messageId, message);
    }
    onProgress(`${submitted.size} in, ${messages.size} out, ${crew.killed()} hosts killed`);
    if (waiting.length === 0 && (await isEmpty(alerts))) {
      break;
    }
    if (elapsed - lastKillAt >= plan.killEveryMs && crew.killOne()) {
      lastKillAt = elapsed;
    }
    if (storageRestartMs === 0 && elapsed >= plan.storageRestartAfterMs) {
      const restartedAt = Date.now();
      await stack.azurite.restart();
      storageRestartMs = Date.now() - restartedAt;
    }
    await delay(TICK_MS);
  }
  const durationMs = Date.now() - startedAt;
  await crew.stop();
  for (const [messageId, message] of await take(enrichments)) {
    messages.set(messageId, message);
  }

  const books: Books = {
    submitted,
    messages: [...messages.values()],
    devices,
    rows: await rowsOf(stack),
    calls: stack.simulator.control.calls(),
    runs,
  };
  const { approximateMessagesCount: poisoned = 0 } = await poison.getProperties();
  return { plan, ...balance(books), kills: crew.killed(), storageRestartMs, poisoned, durationMs };
}

/**
 * The alert of each submission in the order in which they come in: new ones, and repeats of those before. With the device
 * of each alert.
 */
function alertsToSubmit({ seed, submissions, repeats }: SoakPlan, stack: Stack) {
  const random = seededRandom(seed, 'submissions');
  const repeated = Math.round(submissions * repeats);
  const fresh = stack.simulator.control.addNewAlerts(submissions - repeated);
  const alertIds = fresh.map(({ id }) => id);
  return {
    waiting: withRepeats(alertIds, submissions, random),
    devices: new Map(fresh.map(({ id, machineId }) => [id, machineId])),
  };
}

/** Puts alerts into the queue: the submission ID of each is the ID of its message. */
function submit(queue: QueueClient, alertIds: readonly string[]): Promise<[string, string][]> {
  return Promise.all(
    alertIds.map(async (alertId) => [(await queue.sendMessage(alertId)).messageId, alertId]),
  );
}

async function take(queue: QueueClient): Promise<Map<string, Books['messages'][number]>> {
  const taken = new Map<string, Books['messages'][number]>();
  for (;;) {
    const { receivedMessageItems } = await queue.receiveMessages({ numberOfMessages: 32 });
    for (const { messageId, messageText, popReceipt } of receivedMessageItems) {
      const { submissionId, alertId, outcome, device } = JSON.parse(
        Buffer.from(messageText, 'base64').toString('utf8'),
      ) as Enrichment;
      taken.set(messageId, { submissionId, alertId, outcome, deviceId: device?.id });
      await queue.deleteMessage(messageId, popReceipt);
    }
    if (receivedMessageItems.length === 0) {
      return taken;
    }
  }
}

async function isEmpty(queue: QueueClient): Promise<boolean> {
  return (await queue.getProperties()).approximateMessagesCount === 0;
}

async function rowsOf({ azurite }: Stack): Promise<Books['rows']> {
  const table = TableClient.fromConnectionString(azurite.connectionString, names.ENRICHMENTS_TABLE, {
    allowInsecureConnection: true,
  });
  const rows: Books['rows'][number][] = [];
  for await (const { partitionKey = '', claimedBy } of table.listEntities()) {
    rows.push({ alertId: partitionKey, isClaimed: Boolean(claimedBy) });
  }
  return rows;
}

/** The run in a line of a host's output: the time, then what the function logged; most lines have none. */
function runsIn(line: string): Run[] {
  const [, time = '', json] = /^(\S+) .*?(\{"event":"submission".*\})$/.exec(line) ?? [];
  if (json === undefined) {
    return [];
  }
  const event = JSON.parse(json) as Record<string, string | number | boolean>;
  const { alertId, submissionId, result, durationMs, reason, reused } = event;
  const endedAt = Date.parse(time);
  const hasCalled = result !== 'repeated' && reason !== 'claimed' && reused !== true;
  return [
    {
      alertId: String(alertId),
      submissionId: String(submissionId),
      result: String(result),
      hasCalled,
      startedAt: endedAt - Number(durationMs),
      endedAt,
    },
  ];
}
