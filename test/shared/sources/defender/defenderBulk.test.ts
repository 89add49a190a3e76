import { describe, expect, test } from 'vitest';
import type { Machine } from '#shared/device/machine.ts';
import type { AlertDevice } from '#shared/sources/alertList.ts';
import type { BatchReply } from '#shared/sources/batch.ts';
import { createDefenderSource } from '#shared/sources/defender/defenderSource.ts';
import type { Reply } from '#shared/sources/defender/reply.ts';
import type { ApiSign } from '#shared/sources/lookUp.ts';
import type { Kept } from '#shared/sources/source.ts';
import { openGate } from '../graph/graphWorld.ts';

const now = new Date('2026-11-26T12:00:00Z');
const idOf = (number: number) => number.toString(16).padStart(40, '0');

/** The source with lists, before an API in memory whose 60 alerts are about 20 machines. */
function createWorld({ role = true } = {}) {
  const calls: string[] = [];
  const state = {
    machines: new Map(
      Array.from({ length: 20 }, (_, n) => [idOf(n), { id: idOf(n), computerDnsName: `pc-${n}` }]),
    ) as Map<string, Machine>,
    listed: new Map(Array.from({ length: 60 }, (_, n) => [`alert-${n}`, idOf(n % 20)])),
    reply: undefined as BatchReply<Machine> | undefined,
    /** When the list was made. */
    listedAt: now,
  };
  const kept = new Map<string, Kept<Machine>>();
  const known = (alertId: string): Kept<AlertDevice> | undefined => {
    const machineId = state.listed.get(alertId);
    return machineId === undefined
      ? undefined
      : { part: { alertId, machineId }, retrievedAt: state.listedAt };
  };
  const { gate } = openGate();
  const signs: ApiSign[] = [];
  const source = createDefenderSource({
    client: {
      async machineOfAlert(alertId): Promise<Reply> {
        calls.push(alertId);
        const machine = state.machines.get(idOf(Number(alertId.slice('alert-'.length)) % 20));
        return machine === undefined ? { kind: 'not_found', detail: '404' } : { kind: 'machine', machine };
      },
      async machines(ids) {
        calls.push(`machines ${ids.length}`);
        const rows = new Map(
          ids.flatMap((id) => {
            const machine = state.machines.get(id);
            return machine === undefined ? [] : [[id, machine] as const];
          }),
        );
        return state.reply ?? { kind: 'rows', rows };
      },
    },
    tokens: { get: async () => 'token', renew: async () => 'token' },
    gate,
    now: () => now,
    random: () => 0,
    retryBaseDelayMs: 1,
    onSign: (sign) => signs.push(sign),
    bulk: {
      index: {
        known,
        find: async (alertId) => (role ? known(alertId) : undefined),
        deviceIds: () => (role ? state.listed.values() : []),
      },
      machines: {
        readMachine: async (id) => kept.get(id),
        writeMachine: async (id, part) => void kept.set(id, part),
        machineIdsSince: async (time) =>
          [...kept].filter(([, { retrievedAt }]) => retrievedAt >= time).map(([id]) => id),
      },
      reuseForMs: 900_000,
    },
  });
  const find = (number: number, machineId?: string, refresh = false) =>
    source.find(
      { alertId: `alert-${number}`, machineId, inLine: false, isReturning: false, refresh, firstSeen: now },
      new AbortController().signal,
    );
  const findAll = () => Promise.all(Array.from({ length: 60 }, (_, number) => find(number)));
  return { state, calls, kept, signs, find, findAll };
}

const machineIdIn = (answer: Awaited<ReturnType<ReturnType<typeof createWorld>['find']>>) =>
  answer.kind === 'found' ? answer.machine.id : answer.kind;

describe('many alerts at once', () => {
  test('take a call for up to 30 machines, and each gets its own device', async () => {
    const { findAll, calls } = createWorld();
    const answers = await findAll();
    expect(answers.map(machineIdIn)).toEqual(answers.map((_, number) => idOf(number % 20)));
    // The first few come before the crowd is one.
    expect(calls.filter((call) => call.startsWith('alert-')).length).toBeLessThan(8);
    expect(calls.filter((call) => call.startsWith('machines')).length).toBeLessThanOrEqual(4);
    expect(answers.at(-1)).toMatchObject({ source: 'defender', bulk: true, unavailable: [] });
  });

  test('say of an alert that it is known only where a call was about it', async () => {
    const { findAll, calls, signs } = createWorld();
    await findAll();
    const known = signs.flatMap((sign) => (sign.kind === 'serves' ? [sign.alertId] : []));
    expect(known.filter((alertId) => alertId !== undefined)).toEqual(
      calls.filter((call) => call.startsWith('alert-')),
    );
    expect(known).toContain(undefined);
  });

  test('need no call for a machine that is kept, and a new one for one that is old or wanted anew', async () => {
    const { findAll, find, calls, kept } = createWorld();
    await findAll();
    calls.length = 0;
    expect(machineIdIn(await find(25))).toBe(idOf(5));
    expect(calls).toEqual([]);
    await find(25, undefined, true);
    expect(calls).toEqual(['alert-25']);
    kept.set(idOf(5), { part: { id: idOf(5) }, retrievedAt: new Date(now.getTime() - 900_000) });
    await find(25);
    expect(calls).toEqual(['alert-25', 'machines 1']);
  });

  test('go by the machine that the submitter names, without a list of alerts', async () => {
    const { findAll, find, calls } = createWorld({ role: false });
    await findAll();
    calls.length = 0;
    const answers = await Promise.all(Array.from({ length: 20 }, (_, n) => find(n, idOf(n).toUpperCase())));
    expect(answers.map(machineIdIn)).toEqual(answers.map((_, n) => idOf(n)));
    expect(calls.every((call) => call.startsWith('machines'))).toBe(true);
  });
});

describe('what a single call told', () => {
  test('serves other alerts of the device, also of one that lists show as merged', async () => {
    const { state, findAll, find, calls, kept } = createWorld();
    await findAll();
    kept.clear();
    state.machines.set(idOf(5), { id: idOf(5), mergedIntoMachineId: idOf(6) });
    await find(45);
    calls.length = 0;
    expect(machineIdIn(await find(25))).toBe(idOf(5));
    expect(calls).toEqual([]);
  });

  test('is kept for no other device than the one that was expected', async () => {
    const { state, findAll, find, kept } = createWorld();
    await findAll();
    kept.clear();
    state.machines.set(idOf(5), { id: idOf(6), mergedIntoMachineId: null });
    await find(45);
    expect(kept.get(idOf(5))?.part.id).not.toBe(idOf(6));
    expect(kept.get(idOf(6))?.part.id).not.toBe(idOf(5));
  });
});

test('a list of machines that is refused is not asked for again for a while', async () => {
  const { state, findAll, find, calls, kept } = createWorld();
  await findAll();
  kept.clear();
  state.reply = { kind: 'rejected', code: 'BadRequest', message: 'no such filter' };
  await find(45);
  calls.length = 0;
  await find(46);
  await find(47);
  expect(calls).toEqual(['alert-46', 'alert-47']);
});

describe('the single way is left to', () => {
  test.each<[what: string, change: (state: ReturnType<typeof createWorld>['state']) => void]>([
    ['an alert that no list has', (state) => void state.listed.delete('alert-45')],
    [
      'an alert whose list is from before the submission, and too old',
      (state) => {
        state.listedAt = new Date(now.getTime() - 900_000);
      },
    ],
    ['a device ID that is none', (state) => void state.listed.set('alert-45', 'not-a-machine')],
    [
      'a machine that was merged into another',
      (state) => void state.machines.set(idOf(5), { id: idOf(5), mergedIntoMachineId: idOf(6) }),
    ],
    [
      'a machine with another ID than the one asked for',
      (state) => {
        state.reply = { kind: 'rows', rows: new Map([[idOf(5), { id: idOf(6) }]]) };
      },
    ],
    [
      'a machine that the list leaves out',
      (state) => {
        state.reply = { kind: 'rows', rows: new Map() };
      },
    ],
    [
      'a list that is refused',
      (state) => {
        state.reply = { kind: 'rejected', code: 'BadRequest', message: 'no such filter' };
      },
    ],
  ])('%s', async (_what, change) => {
    const { state, findAll, find, calls, kept } = createWorld();
    await findAll();
    kept.clear();
    calls.length = 0;
    change(state);
    expect(await find(45)).toMatchObject({ kind: 'found', machine: { id: idOf(5) } });
    expect(calls.at(-1)).toBe('alert-45');
  });

  test('an alert whose submitter names another device than the list', async () => {
    const { findAll, find, calls } = createWorld();
    await findAll();
    calls.length = 0;
    expect(machineIdIn(await find(45, idOf(7)))).toBe(idOf(5));
    expect(calls).toEqual(['alert-45']);
  });

  test('a single alert on an idle system', async () => {
    const { find, calls } = createWorld();
    expect(await find(7)).not.toHaveProperty('bulk');
    expect(calls).toEqual(['alert-7']);
  });
});
