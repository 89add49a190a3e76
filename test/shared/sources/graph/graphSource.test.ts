import { describe, expect, test } from 'vitest';
import type { AlertIndex } from '#shared/sources/alertIndex.ts';
import type { AlertDevice } from '#shared/sources/alertList.ts';
import { type DeviceEvidence, deviceEvidenceSchema } from '#shared/sources/graph/deviceEvidence.ts';
import type { Kept, SourceAnswer } from '#shared/sources/source.ts';
import { find, sourcesOf, startGraphWorld } from './graphWorld.ts';

type World = Awaited<ReturnType<typeof startGraphWorld>>;

/** Alerts whose device hunting knows, as the simulator has them. */
async function knownAlerts({ graph, simulator }: World, count: number): Promise<string[]> {
  const known: string[] = [];
  for (const alertId of simulator.control.alertIds()) {
    const answer = await find(graph, alertId);
    if (answer.kind === 'found' && answer.unavailable.length === 4) {
      known.push(alertId);
    }
    if (known.length === count) {
      return known;
    }
  }
  throw new Error('the simulator has too few of them');
}

/** The calls since the last report, by the API. */
function callsOf({ simulator }: World): string[] {
  return simulator.control.calls().map(({ route }) => route);
}

function kindOf({ kind }: SourceAnswer): string {
  return kind;
}

describe('an alert', () => {
  test('costs one call for itself and one for its device, and a second alert of the device one', async () => {
    const world = await startGraphWorld();
    const [first = ''] = await knownAlerts(world, 1);
    const again = { ...world, ...sourcesOf(world.simulator) };
    world.simulator.control.reset();
    expect(await find(again.graph, first)).toMatchObject({ kind: 'found', source: 'graph' });
    expect(callsOf(world)).toEqual(['graphAlert', 'hunting']);
    expect(await find(again.graph, first)).toMatchObject({ kind: 'found' });
    expect(callsOf(world)).toEqual(['graphAlert', 'hunting', 'graphAlert']);
    expect(await find(again.graph, first, { refresh: true })).toMatchObject({ kind: 'found' });
    expect(callsOf(world).slice(3)).toEqual(['graphAlert', 'hunting']);
  });

  test('of an older answer about its device is asked about again', async () => {
    const world = await startGraphWorld();
    const { graph } = sourcesOf(world.simulator, { reuseForMs: 0 });
    const [alertId = ''] = await knownAlerts(world, 1);
    world.simulator.control.reset();
    await find(graph, alertId);
    // It was submitted after the first answer.
    await find(graph, alertId, { firstSeen: new Date(Date.now() + 1_000) });
    expect(callsOf(world)).toEqual(['graphAlert', 'hunting', 'graphAlert', 'hunting']);
  });

  test('that Graph does not know is not found, with and without its prefix', async () => {
    const world = await startGraphWorld();
    const unknown = '00000000-0000-4000-8000-000000000404_1';
    expect(kindOf(await find(world.graph, unknown))).toBe('not_found');
    expect(callsOf(world)).toEqual(['graphAlert', 'graphAlert']);
    expect(kindOf(await find(world.graph, 'da637000000000000000_404'))).toBe('not_found');
    expect(callsOf(world)).toHaveLength(3);
  });

  test('without a device is not found for certain', async () => {
    const world = await startGraphWorld();
    world.simulator.control.addAlerts([{ id: 'da637000000000000001_1', machineId: null }]);
    expect(await find(world.graph, 'da637000000000000001_1')).toMatchObject({
      kind: 'not_found',
      isCertain: true,
    });
    expect(callsOf(world)).toEqual(['graphAlert']);
  });
});

test('many alerts at once share hunting queries', async () => {
  const world = await startGraphWorld({ alerts: 200 });
  await Promise.all(world.simulator.control.alertIds().map((id) => find(world.graph, id)));
  const hunts = world.simulator.control.calls().filter(({ route }) => route === 'hunting');
  const devices = new Set(hunts.flatMap(({ ids }) => ids ?? []));
  expect(hunts.length).toBeLessThan(devices.size);
  expect(hunts.flatMap(({ ids }) => ids ?? [])).toHaveLength(devices.size);
});

describe('with one role alone', () => {
  test('that for alerts, the evidence describes the device, and what it cannot know is named', async () => {
    const world = await startGraphWorld();
    const [alertId = ''] = await knownAlerts(world, 1);
    world.simulator.control.revokeRoles(['ThreatHunting.Read.All']);
    const { graph, hunting } = sourcesOf(world.simulator);
    const answer = await find(graph, alertId);
    expect(answer).toMatchObject({
      kind: 'found',
      unavailable: expect.arrayContaining(['exposureLevel', 'lastSeen']),
    });
    expect(answer.kind === 'found' && answer.unavailable).toHaveLength(13);
    expect(hunting.done).toEqual([]);
  });

  test('that for hunting, a query finds the device, and what it cannot know is named', async () => {
    const world = await startGraphWorld();
    const alertIds = await knownAlerts(world, 3);
    const whole = await Promise.all(alertIds.map((id) => find(world.graph, id)));
    world.simulator.control.revokeRoles(['SecurityAlert.Read.All']);
    const { graph } = sourcesOf(world.simulator);
    const answers = await Promise.all(alertIds.map((id) => find(graph, id)));
    expect(answers.map(kindOf)).toEqual(['found', 'found', 'found']);
    expect(answers.map((answer) => answer.kind === 'found' && answer.unavailable.length)).toEqual([9, 9, 9]);
    expect(answers.map((answer) => answer.kind === 'found' && answer.machine.id)).toEqual(
      whole.map((answer) => answer.kind === 'found' && answer.machine.id),
    );
    expect(kindOf(await find(graph, 'da637000000000000000_404'))).toBe('not_found');
  });

  test('none, alerts wait, and the role is named', async () => {
    const world = await startGraphWorld();
    world.simulator.control.revokeRoles(['SecurityAlert.Read.All', 'ThreatHunting.Read.All']);
    const { graph } = sourcesOf(world.simulator);
    const answer = await find(graph, world.simulator.control.alertIds()[0] ?? '');
    expect(answer).toMatchObject({
      kind: 'denied',
      detail: expect.stringContaining('SecurityAlert.Read.All'),
    });
  });
});

describe('when hunting fails', () => {
  test('a 429 lets the alert wait, and the call for the alert is not made again', async () => {
    const world = await startGraphWorld();
    const [alertId = ''] = await knownAlerts(world, 1);
    const { graph, parts, hunting } = sourcesOf(world.simulator);
    world.simulator.control.exhaustHunting({ hint: 'minutes' });
    const before = callsOf(world).length;
    expect(await find(graph, alertId)).toMatchObject({ kind: 'wait' });
    expect(hunting.done.at(-1)).toMatch(/^throttled \d+$/);
    expect(parts.evidence.has(alertId)).toBe(true);
    world.simulator.control.exhaustHunting({ seconds: 0 });
    expect(await find(graph, alertId, { isReturning: true })).toMatchObject({
      kind: 'found',
      unavailable: { length: 4 },
    });
    expect(callsOf(world).slice(before)).toEqual(['graphAlert', 'hunting', 'hunting']);
    expect(parts.evidence.has(alertId)).toBe(false);
  });

  test('what is left of an earlier submission is no answer to a later one', async () => {
    const world = await startGraphWorld();
    const [alertId = ''] = await knownAlerts(world, 1);
    const { graph, parts } = sourcesOf(world.simulator);
    world.simulator.control.exhaustHunting({ hint: 'minutes' });
    await find(graph, alertId);
    world.simulator.control.exhaustHunting({ seconds: 0 });
    const kept = parts.evidence.get(alertId);
    expect(kept).toBeDefined();
    if (kept !== undefined) {
      parts.evidence.set(alertId, { ...kept, retrievedAt: new Date(Date.now() - 3_600_000) });
    }
    const before = callsOf(world).length;
    const answer = await find(graph, alertId, { isReturning: true });
    expect(answer).toMatchObject({ kind: 'found' });
    expect(callsOf(world).slice(before)).toEqual(['graphAlert', 'hunting']);
    expect(answer.kind === 'found' && Date.now() - answer.retrievedAt.getTime()).toBeLessThan(60_000);
  });

  test('a CPU quota that says nothing else is taken to last to the next quarter of an hour', async () => {
    const world = await startGraphWorld();
    const [alertId = ''] = await knownAlerts(world, 1);
    const { graph, hunting } = sourcesOf(world.simulator);
    world.simulator.control.exhaustHunting({ hint: 'none' });
    await find(graph, alertId);
    const pauseMs = Number(
      hunting.done.find((call) => call.startsWith('throttled'))?.slice('throttled '.length),
    );
    const end = Date.now() + pauseMs;
    expect(Math.abs(end - Math.round(end / 900_000) * 900_000)).toBeLessThan(5_000);
  });

  test('a turn that was promised for a query is promised to one alert of it', async () => {
    const world = await startGraphWorld();
    const alertIds = await knownAlerts(world, 3);
    const { graph, hunting } = sourcesOf(world.simulator);
    const until = new Date(Date.now() + 60_000);
    hunting.decisions.push(
      ...Array.from({ length: 3 }, () => ({
        kind: 'wait' as const,
        reason: 'quota' as const,
        until,
        inLine: true,
        detail: 'used up',
      })),
    );
    const answers = await Promise.all(alertIds.map((id) => find(graph, id)));
    expect(answers.map(kindOf)).toEqual(['wait', 'wait', 'wait']);
    const turns = answers.filter((answer) => answer.kind === 'wait' && answer.inLine);
    expect(turns).toHaveLength(hunting.done.filter((call) => call.startsWith('acquire')).length);
  });

  test('a table that is missing closes hunting, and the evidence must do', async () => {
    const world = await startGraphWorld();
    const [alertId = ''] = await knownAlerts(world, 1);
    const { graph, hunting } = sourcesOf(world.simulator);
    world.simulator.control.setHunting({ absentTables: ['DeviceInfo'] });
    expect(await find(graph, alertId)).toMatchObject({ kind: 'found', unavailable: { length: 13 } });
    expect(hunting.done.at(-1)).toMatch(/^denied .*Defender for Endpoint Plan 2/);
  });

  test('a query that is too big is halved until it is not', async () => {
    const world = await startGraphWorld({ alerts: 60 });
    world.simulator.control.setHunting({ mostIds: 4 });
    const { graph } = sourcesOf(world.simulator);
    const answers = await Promise.all(world.simulator.control.alertIds().map((id) => find(graph, id)));
    expect(answers.filter(({ kind }) => kind === 'unusable' || kind === 'unavailable')).toEqual([]);
    const served = world.simulator.control
      .calls()
      .filter(({ route, status }) => route === 'hunting' && status === 200);
    expect(Math.max(...served.map(({ ids }) => ids?.length ?? 0))).toBeLessThanOrEqual(4);
  });

  test('an answer without a row for an ID is of no use for that one', async () => {
    const world = await startGraphWorld();
    const [alertId = ''] = await knownAlerts(world, 1);
    world.simulator.control.setHunting({ maximumRows: 0 });
    const { graph } = sourcesOf(world.simulator);
    expect(await find(graph, alertId)).toMatchObject({
      kind: 'unusable',
      detail: expect.stringContaining('without a row'),
    });
  });

  test.each(['text', 'native', 'mixed'] as const)('the form of answers does not matter: %s', async (wire) => {
    const world = await startGraphWorld();
    const alertIds = await knownAlerts(world, 5);
    const machines = (answers: SourceAnswer[]) =>
      answers.map((answer) => answer.kind === 'found' && { ...answer.machine, lastSeen: null });
    const expected = machines(await Promise.all(alertIds.map((id) => find(world.graph, id))));
    world.simulator.control.setHunting({ wire });
    const { graph } = sourcesOf(world.simulator);
    expect(machines(await Promise.all(alertIds.map((id) => find(graph, id))))).toEqual(expected);
  });
});

describe('many alerts at once, with lists', () => {
  /** A source whose list of alerts a test sets, made so many milliseconds ago. */
  async function listedWorld(ageMs = 0) {
    const world = await startGraphWorld();
    const known = new Map<string, Kept<AlertDevice>>();
    const index: AlertIndex = {
      known: (alertId) => known.get(alertId),
      find: async (alertId) => known.get(alertId),
      deviceIds: () => [...known.values()].flatMap(({ part }) => part.machineId ?? []),
    };
    const { graph, parts } = sourcesOf(world.simulator, { index });
    const alertIds = await knownAlerts(world, 20);
    const retrievedAt = new Date(Date.now() - ageMs);
    for (const alertId of alertIds) {
      const evidence = await evidenceOf(world, alertId);
      const part = { alertId, machineId: evidence.mdeDeviceId, evidence };
      known.set(graphIdOf(alertId), { part, retrievedAt });
    }
    const before = callsOf(world).length;
    const calls = () => callsOf(world).slice(before);
    return { graph, parts, alertIds, known, retrievedAt, calls };
  }

  async function evidenceOf({ graph, parts }: World, alertId: string): Promise<DeviceEvidence> {
    const answer = await find(graph, alertId);
    if (answer.kind !== 'found') {
      throw new Error('not found');
    }
    parts.devices.clear();
    return deviceEvidenceSchema.parse({
      '@odata.type': '#microsoft.graph.security.deviceEvidence',
      mdeDeviceId: answer.machine.id,
    });
  }

  const graphIdOf = (alertId: string) => (/^[\da-f]{8}-/i.test(alertId) ? `da${alertId}` : alertId);

  test('are found with one query, and say when the list was made', async () => {
    const { graph, alertIds, known, retrievedAt, calls } = await listedWorld();
    const firstSeen = new Date(retrievedAt.getTime() - 1_000);
    const answers = await Promise.all(alertIds.map((alertId) => find(graph, alertId, { firstSeen })));
    for (const [number, answer] of answers.entries()) {
      const id = known.get(graphIdOf(alertIds[number] ?? ''))?.part.machineId;
      expect(answer).toMatchObject({ kind: 'found', machine: { id } });
    }
    expect(answers.at(-1)).toMatchObject({ bulk: true, retrievedAt });
    expect(calls().filter((route) => route === 'graphAlert')).toHaveLength(1);
    expect(calls().filter((route) => route === 'hunting').length).toBeLessThanOrEqual(2);
  });

  test('take calls of their own where the list is too old, or the submitter names another device', async () => {
    const { graph, alertIds, calls } = await listedWorld(900_000);
    const old = await Promise.all(alertIds.map((alertId) => find(graph, alertId)));
    expect(old.every((answer) => answer.kind === 'found' && !answer.bulk)).toBe(true);
    expect(calls().filter((route) => route === 'graphAlert')).toHaveLength(alertIds.length);
    const fresh = await listedWorld();
    const machineId = 'f'.repeat(40);
    const named = await Promise.all(fresh.alertIds.map((id) => find(fresh.graph, id, { machineId })));
    expect(named.every((answer) => answer.kind === 'found' && !answer.bulk)).toBe(true);
  });
});
