import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import type { QueueClient } from '@azure/storage-queue';
import { type CallRecord, foreignCalls, highestInAnyWindow } from '#dev/simulator/callLog.ts';
import type { TenantControl } from '#dev/simulator/control.ts';
import { startTenantStack, type TenantStack } from '#dev/stack/tenantStack.ts';
import type { RateLimit } from '#shared/config/rateLimits.ts';
import { formatDuration } from '#shared/config/setting.ts';
import { floorMs } from '../support/floor.ts';
import { putAll, takeAll } from '../support/queueMessages.ts';
import { runEventIn } from '../support/runEvents.ts';
import { percentile } from '../support/statistics.ts';
import type { TenantLoad, TenantsScenario } from './scenarios.ts';

/** What became of one tenant's alerts. */
export interface TenantMeasurement {
  name: string;
  alerts: number;
  enriched: number;
  /** Messages that say anything but `enriched`, or that say it once more. */
  other: number;
  calls: number;
  throttled: number;
  /** Calls that a token of this tenant made for what belongs to another. */
  foreignCalls: number;
  /** Fullest window seen, by limit. */
  fullest: Record<string, number>;
  /** From the first call to the last, and the least that the tenant's limits allow for so many. */
  drainMs: number;
  floorMs: number;
  /** From the hand-in of a new alert to its message; undefined for a tenant that has a backlog only. */
  answerMs: { p50: number; most: number } | undefined;
  /** How often its alerts were put back, by reason. */
  deferrals: Record<string, number>;
  /** Requests for tokens of this tenant, of all processes. */
  signIns: number;
}

export interface TenantsMeasurement {
  scenario: string;
  hosts: number;
  tenants: readonly TenantMeasurement[];
  deadLetters: number;
  /** Messages still in the input queue, as of tenants that fail. */
  waiting: number;
  /** The longest time for which this process itself was kept from running: what the machine did to the figures. */
  longestStallMs: number;
}

/** A tenant while it runs: what was handed in when, and what came out when (milliseconds since 1970). */
interface TenantRun {
  load: TenantLoad;
  control: TenantControl;
  submittedAt: Map<string, number>;
  enrichedAt: Map<string, number>;
  deferrals: Record<string, number>;
  other: number;
}

export async function measureTenants(
  scenario: TenantsScenario,
  onProgress: (text: string) => void,
): Promise<TenantsMeasurement> {
  const stalls = monitorEventLoopDelay();
  stalls.enable();
  const limitText = scenario.limits
    .map(({ calls, windowMs }) => `${calls}/${formatDuration(windowMs)}`)
    .join(',');
  const stack = await startTenantStack({
    simulator: { limits: scenario.limits, alerts: 0 },
    tenants: scenario.tenants.slice(1).map(({ name, signIn = 'granted' }) => ({ name, signIn })),
    settings: {
      DEFENDER_RATE_LIMITS: limitText,
      IN_PROCESS_WAIT: '6s',
      LOCAL_HOST_LEASE_SECONDS: '20',
      AZURE_FUNCTIONS_ENVIRONMENT: 'Development',
      BULK_LOOKUPS: 'off',
    },
  });
  try {
    const runs = scenario.tenants.map((load, index): TenantRun => {
      const control = stack.simulator.control.tenants[index] as TenantControl;
      control.setFaultRates(load.faults ?? {});
      return { load, control, submittedAt: new Map(), enrichedAt: new Map(), deferrals: {}, other: 0 };
    });
    const onLine = (line: string) => {
      const event = runEventIn(line);
      if (event?.result === 'deferred') {
        const { deferrals } = runOf(runs, event.tenantId);
        const reason = event.reason ?? '';
        deferrals[reason] = (deferrals[reason] ?? 0) + 1;
      }
    };
    const queue = (name: string) => stack.queues.getQueueClient(name);
    const [input, output, poison] = [queue('alerts'), queue('enrichments'), queue('alerts-poison')];
    await Promise.all([input, output, poison].map((each) => each.create()));
    await putAll(input, mixed(runs.map((run) => messages(run, run.load.backlog))));
    const startedAt = Date.now();
    await Promise.all(Array.from({ length: scenario.hosts }, () => stack.startHost({ onLine })));
    const trickles = runs.map((run) => trickle(run, input));
    const serving = runs.filter(isServing);
    while (Date.now() - startedAt < scenario.timeLimitMs && !serving.every(isDone)) {
      await collect(output, runs);
      onProgress(runs.map(({ load, enrichedAt }) => `${load.name} ${enrichedAt.size}`).join(', '));
      await delay(100);
    }
    await Promise.all(trickles);
    return {
      scenario: scenario.name,
      hosts: scenario.hosts,
      tenants: runs.map((run) => measureTenant(run, scenario.limits, stack)),
      deadLetters: (await poison.getProperties()).approximateMessagesCount ?? 0,
      waiting: (await input.getProperties()).approximateMessagesCount ?? 0,
      longestStallMs: stalls.max / 1e6,
    };
  } finally {
    stalls.disable();
    await stack.stop();
  }
}

/** Only for those is the run waited for that can be served, and of a mere backlog only where there is nothing else. */
function isServing(
  { load: { signIn = 'granted', faults, backlog, trickle: added } }: TenantRun,
  _: number,
  runs: TenantRun[],
) {
  const counts = added !== undefined || !runs.some(({ load }) => load.trickle !== undefined);
  return counts && signIn === 'granted' && faults === undefined && backlog + (added?.alerts ?? 0) > 0;
}

function isDone({ load, enrichedAt }: TenantRun): boolean {
  return enrichedAt.size >= load.backlog + (load.trickle?.alerts ?? 0);
}

/** New alerts of the tenant, as messages that name it; those of the home tenant are bare IDs. */
function messages({ control, submittedAt, load }: TenantRun, count: number): string[] {
  return control.addNewAlerts(count).map(({ id: alertId }) => {
    submittedAt.set(alertId, Date.now());
    return load.name === 'home' ? alertId : JSON.stringify({ alertId, tenantId: control.tenantId });
  });
}

/** All lists in one, each spread evenly over it. */
function mixed(lists: readonly string[][]): string[] {
  return lists
    .flatMap((list) => list.map((text, index) => ({ text, place: (index + 0.5) / list.length })))
    .toSorted((left, right) => left.place - right.place)
    .map(({ text }) => text);
}

async function trickle(run: TenantRun, input: QueueClient): Promise<void> {
  const { alerts, everyMs, afterMs } = run.load.trickle ?? { alerts: 0, everyMs: 0, afterMs: 0 };
  await delay(afterMs);
  for (let count = 0; count < alerts; count += 1) {
    await putAll(input, messages(run, 1));
    await delay(everyMs);
  }
}

/** The tenant's run; that of the home tenant, which is the first, where none is named. */
function runOf(runs: readonly TenantRun[], tenantId: string | undefined): TenantRun {
  return runs.find(({ control }) => control.tenantId === tenantId) ?? (runs[0] as TenantRun);
}

async function collect(output: QueueClient, runs: readonly TenantRun[]): Promise<void> {
  for (const text of await takeAll(output)) {
    const { alertId, tenantId, outcome } = JSON.parse(Buffer.from(text, 'base64').toString('utf8'));
    const run = runOf(runs, tenantId);
    if (outcome === 'enriched' && run.submittedAt.has(alertId) && !run.enrichedAt.has(alertId)) {
      run.enrichedAt.set(alertId, Date.now());
    } else {
      run.other += 1;
    }
  }
}

function measureTenant(
  { load, control, submittedAt, enrichedAt, deferrals, other }: TenantRun,
  limits: readonly RateLimit[],
  stack: TenantStack,
): TenantMeasurement {
  const calls: readonly CallRecord[] = control.calls();
  const counted = calls.filter((call) => call.counted).map((call) => call.time);
  const answers = [...enrichedAt].map(([alertId, time]) => time - (submittedAt.get(alertId) ?? time));
  return {
    name: load.name,
    alerts: submittedAt.size,
    enriched: enrichedAt.size,
    other,
    calls: calls.length,
    throttled: calls.filter(({ status }) => status === 429).length,
    foreignCalls: foreignCalls(calls).length,
    fullest: Object.fromEntries(
      limits.map((limit) => [
        `${limit.calls}/${formatDuration(limit.windowMs)}`,
        highestInAnyWindow(calls, limit.windowMs),
      ]),
    ),
    drainMs: (counted.at(-1) ?? 0) - (counted[0] ?? 0),
    floorMs: floorMs(submittedAt.size, limits),
    answerMs: load.trickle && { p50: percentile(answers, 0.5), most: Math.max(0, ...answers) },
    deferrals,
    signIns: stack.simulator.control.signIns().filter(({ tenantId }) => tenantId === control.tenantId).length,
  };
}
