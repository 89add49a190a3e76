import { setTimeout as delay } from 'node:timers/promises';
import { startStack } from '#dev/stack/stack.ts';
import { peakMemoryMiB } from '../support/processMemory.ts';
import { putAll, takeAll } from '../support/queueMessages.ts';

/** One outbreak: many alerts on few devices, at the limits of the real APIs. */
export interface OutbreakScenario {
  source: 'defender' | 'graph';
  hosts: number;
  /** `off`: one call an alert, for comparison; its time is computed. */
  bulk: 'auto' | 'off';
}

export interface OutbreakMeasurement extends OutbreakScenario {
  alerts: number;
  devices: number;
  /** Alerts that no API knows. */
  unknown: number;
  durationMs: number;
  calls: number;
  /** Calls by route. */
  routes: Record<string, number>;
  throttled: number;
  missing: number;
  extra: number;
  /** Enrichments with another device than the alert's. */
  wrongDevices: number;
  /** Requests to queues and tables by hosts and collector, without those that put the alerts into the queue. */
  storageOperations: number;
  /** Peak resident memory of a host with its worker, the largest of all hosts. */
  peakMemoryMiB: number;
}

export const ALERTS = Number(process.env.OUTBREAK_ALERTS ?? 10_000);
const DEVICES = 1_000;
/** One in so many alerts is unknown. */
const UNKNOWN_EVERY = 500;
const TIME_LIMIT_MS = 600_000;
/** The alerts were raised over so long. */
const SPREAD_MS = 600_000;

export const scenarios: readonly OutbreakScenario[] = (['defender', 'graph'] as const).flatMap((source) =>
  [1, 2, 4].map((hosts) => ({ source, hosts, bulk: 'auto' as const })),
);

export async function measureOutbreak(scenario: OutbreakScenario): Promise<OutbreakMeasurement> {
  let storageOperations = 0;
  const stack = await startStack({
    simulator: {
      machines: DEVICES,
      alerts: 0,
      roles: ['Machine.Read.All', 'Alert.Read.All', 'SecurityAlert.Read.All', 'ThreatHunting.Read.All'],
      latency: { least: 50, most: 250 },
    },
    azurite: {
      onRequest: () => {
        storageOperations += 1;
      },
    },
    settings: {
      ALERTS_QUEUE: 'alerts',
      ENRICHMENTS_QUEUE: 'enrichments',
      ENRICHMENT_SOURCE: scenario.source,
      BULK_LOOKUPS: scenario.bulk,
      // Unknown alerts are asked about once: their retries would be all that is measured.
      NOT_FOUND_RETRIES: '0',
      AZURE_FUNCTIONS_ENVIRONMENT: 'Development',
    },
  });
  try {
    const { control } = stack.simulator;
    const [input, output] = [
      stack.queues.getQueueClient('alerts'),
      stack.queues.getQueueClient('enrichments'),
    ];
    await Promise.all([input.create(), output.create()]);
    const unknown = Array.from(
      { length: ALERTS / UNKNOWN_EVERY },
      (_, index) => `da638000000000000000_${index}`,
    );
    const known = control.addNewAlerts(ALERTS - unknown.length);
    // As in ten minutes of an outbreak: no list shows more than 6,000 alerts of one second.
    control.addAlerts(
      known.map(({ id, machineId }, index) => ({
        id,
        machineId,
        lastUpdateTime: new Date(Date.now() - index * (SPREAD_MS / ALERTS)).toISOString(),
      })),
    );
    const deviceOf = new Map(known.map(({ id, machineId }) => [id, machineId]));
    const alertIds = [...known.map(({ id }) => id), ...unknown];
    await putAll(input, alertIds);

    const startedAt = Date.now();
    storageOperations = 0;
    const hosts = await Promise.all(Array.from({ length: scenario.hosts }, () => stack.startHost()));
    const seen = new Map<string, string | undefined>();
    let messages = 0;
    const collect = async () => {
      for (const text of await takeAll(output)) {
        messages += 1;
        const { alertId, device } = JSON.parse(Buffer.from(text, 'base64').toString('utf8'));
        seen.set(alertId, device?.id);
      }
    };
    while (seen.size < ALERTS && Date.now() - startedAt < TIME_LIMIT_MS) {
      await collect();
      await delay(500);
    }
    const durationMs = Date.now() - startedAt;
    const memory = hosts.map(({ pid }) => peakMemoryMiB(pid));
    await collect();
    const { calls, routes, throttled } = control.report();
    return {
      ...scenario,
      alerts: ALERTS,
      devices: new Set(deviceOf.values()).size,
      unknown: unknown.length,
      durationMs,
      calls,
      routes: Object.fromEntries(
        Object.entries(routes).map(([route, statuses]) => [
          route,
          Object.values(statuses).reduce((sum, count) => sum + count, 0),
        ]),
      ),
      throttled,
      missing: ALERTS - seen.size,
      extra: messages - seen.size,
      wrongDevices: [...seen].filter(([alertId, id]) => (deviceOf.get(alertId) ?? undefined) !== id).length,
      storageOperations,
      peakMemoryMiB: Math.max(...memory),
    };
  } finally {
    await stack.stop();
  }
}
