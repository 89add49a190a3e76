import { beforeAll, describe, expect, test } from 'vitest';
import { startSimulator } from '#dev/simulator/simulator.ts';
import { HEALTH_STATUSES, ONBOARDING_STATUSES, RISK_LEVELS } from '#shared/device/levels.ts';
import { machineSchema } from '#shared/device/machine.ts';
import { normalizeMachine } from '#shared/device/normalize.ts';
import { propertiesSchema, readProperties } from '#shared/device/properties.ts';
import {
  MACHINE_FIELDS,
  type MachineField,
  type MachineProperty,
  unavailableProperties,
} from '#shared/sources/graph/machineFields.ts';
import type { SourceAnswer } from '#shared/sources/source.ts';
import { PLENTY } from '#test/dev/simulator/graphFixture.ts';
import { sourcesOf } from './graphWorld.ts';

const MACHINES = 2_000;

type Found = Extract<SourceAnswer, { kind: 'found' }>;
type Read = ReturnType<typeof readProperties>['properties'];
interface Pair {
  defender: Found;
  graph: Found;
  ofDefender: Read;
  ofGraph: Read;
}

const pairs: Pair[] = [];

beforeAll(async () => {
  const simulator = await startSimulator({
    machines: MACHINES,
    alerts: MACHINES * 2,
    limits: PLENTY,
    graphLimits: PLENTY,
    huntingLimits: PLENTY,
  });
  const { graph, defender } = sourcesOf(simulator);
  const seen = new Set<string>();
  const alertIds = [...simulator.control.alertIds()];
  const signal = new AbortController().signal;
  const reference = (alertId: string) => ({
    alertId,
    inLine: false,
    isReturning: false,
    refresh: false,
    firstSeen: new Date(0),
  });
  const work = Array.from({ length: 48 }, async () => {
    for (let alertId = alertIds.pop(); alertId !== undefined; alertId = alertIds.pop()) {
      const ofDefender = await defender.find(reference(alertId), signal);
      if (ofDefender.kind !== 'found' || seen.has(ofDefender.machine.id)) {
        continue;
      }
      seen.add(ofDefender.machine.id);
      const ofGraph = await graph.find(reference(alertId), signal);
      if (ofGraph.kind !== 'found') {
        throw new Error(`Graph says ${ofGraph.kind} of ${alertId}, which Defender knows`);
      }
      pairs.push({
        defender: ofDefender,
        graph: ofGraph,
        ofDefender: readProperties(ofDefender.machine).properties,
        ofGraph: readProperties(ofGraph.machine).properties,
      });
    }
  });
  await Promise.all(work);
  await simulator.close();
}, 120_000);

const fields = Object.entries(MACHINE_FIELDS) as [MachineProperty, MachineField][];
const lossless = fields.filter(
  ([name, { loss, evidence, hunting }]) => name !== 'id' && loss === undefined && (evidence || hunting),
);

function valuesOf(pair: Pair, name: string): unknown[] {
  return [pair.ofDefender, pair.ofGraph].map((properties) => properties[name as keyof Read]);
}

/** The pairs in which Graph can know the property. */
function pairsWith(name: MachineProperty): Pair[] {
  return pairs.filter(({ graph }) => !graph.unavailable.includes(name));
}

test('the machines are many, and of all families', () => {
  expect(pairs.length).toBeGreaterThan(1_000);
  const families = new Set(
    pairs.map(({ defender }) => normalizeMachine(defender.machine, defender.retrievedAt).os.family),
  );
  expect([...families]).toEqual(
    expect.arrayContaining(['windows', 'linux', 'macos', 'ios', 'ipados', 'android', 'other', null]),
  );
  expect(new Set(pairs.map(({ graph }) => graph.unavailable.length))).toEqual(new Set([4, 13]));
});

test('both sources name the same device', () => {
  expect(pairs.filter(({ defender, graph }) => defender.machine.id !== graph.machine.id)).toEqual([]);
});

test.each(lossless.map(([name]) => name))('%s is the same, wherever Graph can know it', (name) => {
  const able = pairsWith(name);
  expect(able.length).toBeGreaterThan(500);
  const different = able
    .map((pair) => [pair.defender.machine.id, ...valuesOf(pair, name)])
    .filter(([, defender, graph]) => JSON.stringify(plain(defender)) !== JSON.stringify(plain(graph)));
  expect(different.slice(0, 3)).toEqual([]);
});

/** Azure alone is in both: of other clouds only Graph knows. Words differ in case in Defender's own answers. */
function plain(value: unknown): unknown {
  if (typeof value === 'string') {
    return value.toLowerCase();
  }
  if (typeof value === 'object' && value !== null && 'vmId' in value) {
    const { vmId, resourceId, subscriptionId } = value as Record<string, unknown>;
    return vmId === null && resourceId === null ? null : { vmId, resourceId, subscriptionId };
  }
  return value;
}

describe('what is lost is what the table says', () => {
  test('the name, the version and the time of the last report are there', () => {
    for (const pair of pairsWith('lastSeen')) {
      const { ofDefender, ofGraph } = pair;
      expect(ofGraph.computerDnsName).toBe(ofDefender.computerDnsName);
      expect(ofGraph.version).toBe(ofDefender.version);
      const [before, after] = [ofDefender, ofGraph].map(({ lastSeen }) => Date.parse(lastSeen?.time ?? ''));
      if (ofDefender.lastSeen !== null) {
        expect((after ?? 0) - (before ?? 0)).toBeGreaterThanOrEqual(0);
        expect((after ?? 0) - (before ?? 0)).toBeLessThanOrEqual(3_600_000);
      }
    }
  });

  test('the build is null on macOS only', () => {
    for (const { ofDefender, ofGraph } of pairs) {
      expect(ofGraph.osBuild).toBe(ofDefender.osPlatform === 'macOS' ? null : ofDefender.osBuild);
    }
  });

  test('words are the same where Graph has them in its list, or hunting tells them', () => {
    const words = {
      riskScore: RISK_LEVELS,
      healthStatus: HEALTH_STATUSES,
      onboardingStatus: ONBOARDING_STATUSES,
    };
    for (const { ofDefender, ofGraph, graph } of pairs) {
      for (const [name, list] of Object.entries(words) as [keyof typeof words, readonly string[]][]) {
        const word = ofDefender[name];
        const isListed = list.some((known) => known.toLowerCase() === word?.toLowerCase());
        const hunted = name !== 'riskScore' && !graph.unavailable.includes('lastSeen');
        expect(ofGraph[name]?.toLowerCase()).toBe(isListed || hunted ? word?.toLowerCase() : undefined);
      }
      expect(ofGraph.defenderAvStatus).toBe(ofDefender.defenderAvStatus);
    }
  });

  test('a normal value of the device is not told apart from none', () => {
    for (const { ofDefender, ofGraph } of pairsWith('deviceValue')) {
      expect(ofGraph.deviceValue).toBe(ofDefender.deviceValue === 'Normal' ? null : ofDefender.deviceValue);
    }
  });

  test('tags are the same in another order, and without hunting a part of them', () => {
    for (const { ofDefender, ofGraph, graph } of pairs) {
      const tags = new Set(ofDefender.machineTags ?? []);
      const known = new Set(ofGraph.machineTags ?? []);
      if (graph.unavailable.includes('lastSeen')) {
        expect([...known].filter((tag) => !tags.has(tag))).toEqual([]);
      } else {
        expect(known).toEqual(tags);
      }
    }
  });

  test('addresses are the same in another order, and without adapters a part of them', () => {
    const textOf = (entry: unknown) => JSON.stringify(entry)?.replace('"00-00-00-00-00-00"', 'null');
    for (const { ofDefender, ofGraph } of pairs) {
      const hasAdapters = (ofGraph.ipAddresses ?? []).some((entry) => entry?.operationalStatus != null);
      if (hasAdapters) {
        const told = ofDefender.ipAddresses?.filter((entry) => entry?.ipAddress ?? entry?.macAddress);
        expect(new Set(ofGraph.ipAddresses?.map(textOf))).toEqual(new Set(told?.map(textOf)));
      } else {
        const known = new Set(ofDefender.ipAddresses?.map((entry) => textOf(entry?.ipAddress)));
        expect((ofGraph.ipAddresses ?? []).filter((entry) => !known.has(textOf(entry?.ipAddress)))).toEqual(
          [],
        );
      }
    }
  });
});

test('no property is filled that Graph cannot know', () => {
  for (const { graph } of pairs) {
    expect(Object.keys(graph.machine).filter((name) => graph.unavailable.includes(name))).toEqual([]);
  }
});

test('a machine of Graph is read whole: nothing in it is left unread', () => {
  const unread = pairs.flatMap(({ graph }) => readProperties(graph.machine).unread);
  expect(new Set(unread)).toEqual(new Set());
});

test('Graph tells more of some: users, kind of device, distribution, other clouds', () => {
  const devices = pairs.map(({ graph }) => normalizeMachine(graph.machine, graph.retrievedAt));
  expect(devices.some(({ loggedOnUsers }) => (loggedOnUsers ?? []).length > 0)).toBe(true);
  expect(devices.some(({ deviceType }) => deviceType === 'Server')).toBe(true);
  expect(devices.some(({ os }) => os.distribution !== null)).toBe(true);
  expect(devices.some(({ cloud }) => cloud?.awsResourceName)).toBe(true);
  expect(devices.some(({ cloud }) => cloud?.gcpResourceName)).toBe(true);
});

test('the table has every property of a machine but one that is null in all records', () => {
  const known = [...Object.keys(machineSchema.shape), ...Object.keys(propertiesSchema.shape)];
  const ofGraphAlone = ['loggedOnUsers', 'deviceType', 'osDistribution'];
  expect(fields.map(([name]) => name).sort()).toEqual(
    known.filter((name) => name !== 'osVersion' && !ofGraphAlone.includes(name)).sort(),
  );
  expect(unavailableProperties({ evidence: true, hunting: true })).toHaveLength(4);
  expect(unavailableProperties({ evidence: true, hunting: false })).toHaveLength(13);
  expect(unavailableProperties({ evidence: false, hunting: true })).toHaveLength(9);
});
