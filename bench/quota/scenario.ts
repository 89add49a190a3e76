import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { highestInAnyWindow } from '#dev/simulator/callLog.ts';
import type { WindowKind } from '#dev/simulator/rateWindows.ts';
import type { HostProcess } from '#dev/stack/hostProcess.ts';
import { type Stack, startStack } from '#dev/stack/stack.ts';
import type { RateLimit } from '#shared/config/rateLimits.ts';
import { formatDuration } from '#shared/config/setting.ts';
import { floorMs, permittedCalls } from '../support/floor.ts';
import { peakMemoryMiB } from '../support/processMemory.ts';
import { mean, percentile } from '../support/statistics.ts';

/** One run: so many alerts queued at once, so many hosts, and what is made hard for them. */
export interface Scenario {
  name: string;
  /** Which app: the product, or a folder under bench/baselines. */
  app: 'product' | 'plain' | 'sleeping';
  alerts: number;
  hosts: number;
  limits: readonly RateLimit[];
  windows?: WindowKind;
  /** The share of the quota that somebody else takes at random. */
  neighbourShare?: number;
  /** How far the first host's clock is ahead, in milliseconds. */
  clockAheadMs?: number;
  /** So many hosts are killed (SIGKILL) and not replaced, this long after the start. */
  kill?: { hosts: number; afterMs: number };
  /** The run ends here even if alerts are left. */
  timeLimitMs: number;
}

export interface Measurement {
  scenario: string;
  alerts: number;
  /** Alerts with an enrichment, more enrichments than alerts, and what ended in the poison queue. */
  enriched: number;
  extraMessages: number;
  deadLetters: number;
  /** Alerts that are neither: still waiting when the time was up. */
  left: number;
  calls: number;
  throttled: number;
  drainMs: number;
  floorMs: number;
  /** Calls made as a share of those that the limits permit from the first call to the last. */
  callsMadeOfPermitted: number;
  /** Mean fill of each limit's window while the backlog lasted (0 to 1), by limit. */
  utilisation: Record<string, number>;
  /** Fullest window seen, by limit. */
  fullest: Record<string, number>;
  ledgerOperationsPerCall: number;
  deferralsPerAlert: { mean: number; most: number };
  dequeuesPerAlert: number;
  /** Time that workers were busy or asleep with an alert, all its deliveries together. */
  workerMsPerAlert: number;
  ageMs: { p50: number; p95: number };
  peakMemoryMiB: number;
  /** The longest time for which this process itself was kept from running: what the machine did to the figures. */
  longestStallMs: number;
}

const BASELINES = fileURLToPath(new URL('../baselines/', import.meta.url));
const BENT_CLOCK = new URL('../../dev/stack/bentClock.ts', import.meta.url).href;

export async function run(scenario: Scenario, onProgress: (text: string) => void): Promise<Measurement> {
  let ledgerOperations = 0;
  const stalls = monitorEventLoopDelay();
  stalls.enable();
  const stack = await startStack({
    simulator: { limits: scenario.limits, ...(scenario.windows && { windows: scenario.windows }) },
    azurite: {
      onRequest: (line) => {
        if (line.includes('/EnrichmentState')) {
          ledgerOperations += 1;
        }
      },
    },
    settings: {
      ALERTS_QUEUE: 'alerts',
      ENRICHMENTS_QUEUE: 'enrichments',
      DEFENDER_RATE_LIMITS: scenario.limits
        .map(({ calls, windowMs }) => `${calls}/${formatDuration(windowMs)}`)
        .join(','),
      IN_PROCESS_WAIT: '6s',
      LOCAL_HOST_LEASE_SECONDS: '20',
      AZURE_FUNCTIONS_ENVIRONMENT: 'Development',
      BULK_LOOKUPS: 'off',
    },
  });
  try {
    const events: LogEvent[] = [];
    const alertIds = stack.simulator.control.addNewAlerts(scenario.alerts).map(({ id }) => id);
    await submit(stack, alertIds);
    if (scenario.neighbourShare !== undefined) {
      stack.simulator.control.setNeighbourShare(scenario.neighbourShare);
    }
    const hosts = await Promise.all(
      Array.from({ length: scenario.hosts }, (_, index) => startHost(stack, scenario, index === 0, events)),
    );
    const startedAt = Date.now();
    const memory: number[] = [];
    const seen = { enrichments: [] as string[], deadLetters: 0 };
    let killed = false;
    while (Date.now() - startedAt < scenario.timeLimitMs) {
      await drainOutput(stack, seen);
      memory.push(...hosts.map(({ pid }) => peakMemoryMiB(pid)));
      const done = new Set(seen.enrichments).size + seen.deadLetters;
      onProgress(`${done}/${scenario.alerts}`);
      if (done >= scenario.alerts) {
        break;
      }
      if (scenario.kill && !killed && Date.now() - startedAt > scenario.kill.afterMs) {
        killed = true;
        await Promise.all(hosts.slice(0, scenario.kill.hosts).map((host) => host.kill()));
      }
      await delay(250);
    }
    return measure(scenario, stack, events, seen, ledgerOperations, Math.max(0, ...memory), stalls.max / 1e6);
  } finally {
    stalls.disable();
    await stack.stop();
  }
}

async function submit(stack: Stack, alertIds: readonly string[]): Promise<void> {
  const queue = stack.queues.getQueueClient('alerts');
  await queue.createIfNotExists();
  await stack.queues.getQueueClient('enrichments').createIfNotExists();
  await stack.queues.getQueueClient('alerts-poison').createIfNotExists();
  for (let start = 0; start < alertIds.length; start += 50) {
    await Promise.all(alertIds.slice(start, start + 50).map((alertId) => queue.sendMessage(alertId)));
  }
}

function startHost(
  stack: Stack,
  scenario: Scenario,
  first: boolean,
  events: LogEvent[],
): Promise<HostProcess> {
  const skewed = first && scenario.clockAheadMs !== undefined;
  return stack.startHost({
    ...(scenario.app !== 'product' && { appRoot: `${BASELINES}${scenario.app}` }),
    ...(skewed && {
      nodeOptions: ['--import', BENT_CLOCK],
      settings: { BENT_CLOCK_AHEAD_MS: String(scenario.clockAheadMs) },
    }),
    onLine: (line) => {
      const json = /\{"event":"submission".*$/.exec(line)?.[0];
      if (json !== undefined) {
        events.push(JSON.parse(json) as LogEvent);
      }
    },
  });
}

interface LogEvent {
  alertId: string;
  result: string;
  /** The baselines know neither deferrals nor age. */
  deferrals?: number;
  durationMs: number;
  ageMs?: number;
}

async function drainOutput(
  stack: Stack,
  seen: { enrichments: string[]; deadLetters: number },
): Promise<void> {
  for (const queue of ['enrichments', 'alerts-poison']) {
    const client = stack.queues.getQueueClient(queue);
    for (;;) {
      const { receivedMessageItems } = await client.receiveMessages({
        numberOfMessages: 32,
        visibilityTimeout: 3_600,
      });
      for (const { messageText, messageId, popReceipt } of receivedMessageItems) {
        await client.deleteMessage(messageId, popReceipt);
        if (queue === 'alerts-poison') {
          seen.deadLetters += 1;
        } else {
          seen.enrichments.push(alertIdOf(messageText));
        }
      }
      if (receivedMessageItems.length < 32) {
        break;
      }
    }
  }
}

/** The product writes base64; a baseline with `messageEncoding: none` writes JSON. */
function alertIdOf(messageText: string): string {
  const text = messageText.startsWith('{')
    ? messageText
    : Buffer.from(messageText, 'base64').toString('utf8');
  return (JSON.parse(text) as { alertId: string }).alertId;
}

function measure(
  scenario: Scenario,
  stack: Stack,
  events: readonly LogEvent[],
  seen: { enrichments: readonly string[]; deadLetters: number },
  ledgerOperations: number,
  memory: number,
  longestStallMs: number,
): Measurement {
  const calls = stack.simulator.control.calls();
  const counted = calls.filter((call) => call.counted).map((call) => call.time);
  const firstCall = counted[0] ?? 0;
  const lastCall = counted.at(-1) ?? 0;
  const enriched = new Set(seen.enrichments).size;
  const final = events.filter(({ result }) => result !== 'deferred' && result !== 'repeated');
  const named = (value: (limit: RateLimit) => number) =>
    Object.fromEntries(
      scenario.limits.map((limit) => [`${limit.calls}/${formatDuration(limit.windowMs)}`, value(limit)]),
    );
  return {
    scenario: scenario.name,
    alerts: scenario.alerts,
    enriched,
    extraMessages: seen.enrichments.length - enriched,
    deadLetters: seen.deadLetters,
    left: scenario.alerts - enriched - seen.deadLetters,
    calls: calls.length,
    throttled: calls.filter(({ status }) => status === 429).length,
    drainMs: lastCall - firstCall,
    floorMs: floorMs(scenario.alerts, scenario.limits),
    callsMadeOfPermitted: counted.length / permittedCalls(lastCall - firstCall, scenario.limits),
    utilisation: named((limit) => meanFill(counted, limit, lastCall)),
    fullest: named(({ windowMs }) => highestInAnyWindow(calls, windowMs)),
    ledgerOperationsPerCall: ledgerOperations / Math.max(1, calls.length),
    deferralsPerAlert: {
      mean: mean(final.map(({ deferrals = 0 }) => deferrals)),
      most: Math.max(0, ...final.map(({ deferrals = 0 }) => deferrals)),
    },
    dequeuesPerAlert: events.length / scenario.alerts,
    workerMsPerAlert: events.reduce((sum, { durationMs }) => sum + durationMs, 0) / scenario.alerts,
    ageMs: {
      p50: percentile(
        final.map(({ ageMs = 0 }) => ageMs),
        0.5,
      ),
      p95: percentile(
        final.map(({ ageMs = 0 }) => ageMs),
        0.95,
      ),
    },
    peakMemoryMiB: memory,
    longestStallMs,
  };
}

/** Calls made in the windows that lie wholly within the backlog, as a share of the calls that the limit permits. */
function meanFill(times: readonly number[], { calls, windowMs }: RateLimit, end: number): number {
  const start = times[0] ?? 0;
  const fills: number[] = [];
  for (let from = start; from + windowMs <= end; from += windowMs / 20) {
    fills.push(times.filter((time) => time >= from && time < from + windowMs).length / calls);
  }
  return mean(fills);
}
