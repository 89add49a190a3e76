import { onTestFinished } from 'vitest';
import type { SimulatorOptions } from '#dev/simulator/options.ts';
import type { RunningSimulator } from '#dev/simulator/simulator.ts';
import type { CallGate, CallRequest, PermitDecision } from '#shared/quota/callGate.ts';
import { createAccessTokens } from '#shared/sources/accessToken.ts';
import type { AlertIndex } from '#shared/sources/alertIndex.ts';
import { createDefenderClient } from '#shared/sources/defender/defenderClient.ts';
import { createDefenderSource } from '#shared/sources/defender/defenderSource.ts';
import type { DeviceEvidence } from '#shared/sources/graph/deviceEvidence.ts';
import { createGraphClient } from '#shared/sources/graph/graphClient.ts';
import { createGraphSource, type PartStore } from '#shared/sources/graph/graphSource.ts';
import type { HuntingRow } from '#shared/sources/graph/huntingRow.ts';
import type { AlertReference, Kept, Source, SourceAnswer } from '#shared/sources/source.ts';
import { GRAPH_AUDIENCE, PLENTY } from '#test/dev/simulator/graphFixture.ts';
import { AUDIENCE, startForTest, tokenOf } from '#test/dev/simulator/simulatorFixture.ts';

/** What a gate was asked and told, in order. */
export type GateCall =
  | `acquire ${CallRequest['place']}`
  | 'succeeded'
  | `throttled ${string}`
  | `denied ${string}`;

/** A gate that lets every call through, unless a test gives it other decisions. */
export function openGate(name = ''): { gate: CallGate; done: GateCall[]; decisions: PermitDecision[] } {
  const done: GateCall[] = [];
  const decisions: PermitDecision[] = [];
  const until = new Date(Date.now() + 60_000);
  const gate: CallGate = {
    openCircuit: () => undefined,
    release: () => undefined,
    returned: () => undefined,
    waitingSince: () => undefined,
    async acquire({ place }) {
      done.push(`acquire ${place}`);
      return decisions.shift() ?? { kind: 'granted', probe: false, slot: 0 };
    },
    async succeeded() {
      done.push('succeeded');
    },
    async throttled(retryAfterMs) {
      done.push(`throttled ${retryAfterMs}`);
      return { until };
    },
    async denied(_permit, { cause, detail }) {
      done.push(`denied ${name}${cause}: ${detail}`);
      return { until };
    },
  };
  return { gate, done, decisions };
}

/** Parts kept in memory, as the table keeps them. */
export function memoryParts() {
  const evidence = new Map<string, Kept<DeviceEvidence>>();
  const devices = new Map<string, Kept<HuntingRow | null>>();
  const store: PartStore = {
    readEvidence: async (alertId) => evidence.get(alertId),
    writeEvidence: async (alertId, kept) => void evidence.set(alertId, kept),
    removeEvidence: async (alertId) => void evidence.delete(alertId),
    readDevice: async (deviceId) => devices.get(deviceId),
    writeDevice: async (deviceId, kept) => void devices.set(deviceId, kept),
    deviceIdsSince: async (time) =>
      [...devices].filter(([, { retrievedAt }]) => retrievedAt >= time).map(([id]) => id),
  };
  return { store, evidence, devices };
}

/** Both sources before one simulator, over HTTP and with real tokens. */
export async function startGraphWorld(options: SimulatorOptions = {}) {
  const simulator = await startForTest({
    limits: PLENTY,
    graphLimits: PLENTY,
    huntingLimits: PLENTY,
    ...options,
  });
  return { simulator, ...sourcesOf(simulator) };
}

export function sourcesOf(
  simulator: RunningSimulator,
  { reuseForMs = 900_000, index }: { reuseForMs?: number; index?: AlertIndex } = {},
) {
  const now = () => new Date();
  const tokensFor = (resource: string) =>
    createAccessTokens(
      async () => ({
        token: await tokenOf(simulator, { resource }),
        expiresOnTimestamp: Date.now() + 3_600_000,
      }),
      Date.now,
    );
  const parts = memoryParts();
  const alerts = openGate();
  const hunting = openGate('hunting ');
  const defenderGate = openGate();
  const common = { now, random: () => 0, retryBaseDelayMs: 1 };
  const graph = createGraphSource({
    ...common,
    client: createGraphClient(simulator.apiUrl, now),
    tokens: tokensFor(GRAPH_AUDIENCE),
    gates: { alerts: alerts.gate, hunting: hunting.gate },
    parts: parts.store,
    index,
    reuseForMs,
  });
  const defender = createDefenderSource({
    ...common,
    client: createDefenderClient(simulator.apiUrl, now),
    tokens: tokensFor(AUDIENCE),
    gate: defenderGate.gate,
  });
  return { graph, defender, parts, alerts, hunting };
}

/** Looks an alert up, and gives the look-up up when the test ends. */
export function find(
  source: Source,
  alertId: string,
  more: Partial<AlertReference> = {},
): Promise<SourceAnswer> {
  const ended = new AbortController();
  onTestFinished(() => ended.abort());
  const reference = {
    alertId,
    inLine: false,
    isReturning: false,
    refresh: false,
    firstSeen: new Date(),
    ...more,
  };
  return source.find(reference, ended.signal);
}
