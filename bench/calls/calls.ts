import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { AlertRecord, NewAlert } from '#dev/simulator/alerts/alerts.ts';
import { seededRandom } from '#dev/simulator/random.ts';
import { startStack } from '#dev/stack/stack.ts';
import { putAll, takeAll } from '../support/queueMessages.ts';
import { withRepeats } from '../support/repeats.ts';

/** One stream of messages through one app. */
export interface CallsScenario {
  /** The product, or the function that asks each time. */
  app: 'product' | 'plain';
  messages: number;
  /** The share of messages (0 to 1) whose alert was in the stream before. */
  repeats: number;
  /** How many alerts of the stream are about the same device; each about any when left out. */
  alertsPerDevice?: number;
  /** Where devices come from; the Defender API when left out. */
  source?: 'graph';
}

export interface CallsMeasurement extends CallsScenario {
  /** Distinct alerts: no way to enrich them all costs fewer calls. */
  alerts: number;
  /** Counted by the simulator. */
  calls: number;
  /** Messages that have had no enrichment, and enrichments beyond one a message. */
  missing: number;
  extra: number;
  durationMs: number;
}

const HOSTS = 2;
const TIME_LIMIT_MS = 60_000;
/** Far beyond what two hosts can call, so that only repeats decide how many calls there are. */
const LIMIT = { calls: 10_000, windowMs: 60_000 };
const PLAIN = fileURLToPath(new URL('../baselines/plain', import.meta.url));

export const scenarios: readonly CallsScenario[] = [
  { app: 'product', messages: 400, repeats: 0 },
  { app: 'product', messages: 400, repeats: 0.3 },
  { app: 'product', messages: 400, repeats: 0.9 },
  { app: 'product', messages: 400, repeats: 0, source: 'graph', alertsPerDevice: 1 },
  { app: 'product', messages: 400, repeats: 0, source: 'graph', alertsPerDevice: 5 },
  { app: 'product', messages: 400, repeats: 0, source: 'graph', alertsPerDevice: 20 },
  // Its calls do not depend on repeats.
  { app: 'plain', messages: 400, repeats: 0.9 },
];

export async function measureCalls(scenario: CallsScenario): Promise<CallsMeasurement> {
  const { app, messages, repeats, source = 'defender', alertsPerDevice } = scenario;
  const stack = await startStack({
    simulator: {
      machines: messages,
      limits: [LIMIT],
      graphLimits: [LIMIT],
      huntingLimits: [LIMIT],
      latency: { least: 20, most: 80 },
    },
    settings: {
      ALERTS_QUEUE: 'alerts',
      ENRICHMENTS_QUEUE: 'enrichments',
      ENRICHMENT_SOURCE: source,
      DEFENDER_RATE_LIMITS: '10000/1m',
      GRAPH_RATE_LIMITS: '10000/1m',
      HUNTING_RATE_LIMITS: '10000/1m',
      // Who meets a claim comes back after this, doubled each time: the only wait in the run.
      RETRY_BASE_DELAY: '100ms',
      AZURE_FUNCTIONS_ENVIRONMENT: 'Development',
      BULK_LOOKUPS: 'off',
    },
  });
  try {
    const { control } = stack.simulator;
    const [input, output] = [
      stack.queues.getQueueClient('alerts'),
      stack.queues.getQueueClient('enrichments'),
    ];
    await Promise.all([input.create(), output.create()]);
    const alerts = messages - Math.round(messages * repeats);
    const added = control.addNewAlerts(alerts);
    if (alertsPerDevice !== undefined) {
      control.addAlerts(aboutFewDevices(added, alertsPerDevice));
    }
    const alertIds = added.map(({ id }) => id);
    await putAll(input, withRepeats(alertIds, messages, seededRandom('calls', repeats)));

    const startedAt = Date.now();
    const options = app === 'plain' ? { appRoot: PLAIN } : {};
    await Promise.all(Array.from({ length: HOSTS }, () => stack.startHost(options)));
    const enrichments: string[] = [];
    while (enrichments.length < messages && Date.now() - startedAt < TIME_LIMIT_MS) {
      enrichments.push(...(await takeAll(output)));
      await delay(200);
    }
    // Nothing may follow the last one.
    const durationMs = Date.now() - startedAt;
    enrichments.push(...(await takeAll(output)));
    const answered = app === 'plain' ? enrichments.length : new Set(enrichments.map(submissionIdOf)).size;
    return {
      ...scenario,
      alerts,
      calls: control.report().calls,
      missing: messages - answered,
      extra: enrichments.length - answered,
      durationMs,
    };
  } finally {
    await stack.stop();
  }
}

/** The same alerts, so many of them about each device. */
function aboutFewDevices(alerts: readonly AlertRecord[], alertsPerDevice: number): NewAlert[] {
  const devices = [...new Set(alerts.map(({ machineId }) => machineId))];
  return alerts.map(({ id }, index) => ({
    id,
    machineId: devices[Math.floor(index / alertsPerDevice) % devices.length],
  }));
}

function submissionIdOf(text: string): string {
  const { submissionId } = JSON.parse(Buffer.from(text, 'base64').toString('utf8')) as {
    submissionId: string;
  };
  return submissionId;
}
