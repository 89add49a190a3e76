import { setTimeout as delay, setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { seededRandom } from '#dev/simulator/random.ts';
import type { Machine } from '#shared/device/machine.ts';
import { createAlertIndex } from '#shared/sources/alertIndex.ts';
import {
  type AlertListStore,
  createAlertLists,
  type ListPart,
  type SharedList,
} from '#shared/sources/alertList.ts';
import type { MachineStore } from '#shared/sources/defender/defenderBulk.ts';
import { createDefenderSource } from '#shared/sources/defender/defenderSource.ts';
import type { AlertFeed, Kept, ListedAlert } from '#shared/sources/source.ts';
import { openGate } from '../shared/sources/graph/graphWorld.ts';

const ALERTS = 90;
const DEVICES = 40;
/** As many as a host hands over at the same time. */
const AT_ONCE = 40;
const idOf = (number: number) => number.toString(16).padStart(40, '0');
const alertIdOf = (number: number) => `alert-${number}`;
const numberOf = (alertId: string) => Number(alertId.slice('alert-'.length));
const deviceOf = (alertId: string, devices = DEVICES) => idOf(numberOf(alertId) % devices);

/** Time goes fast, so that leases end soon. */
const SPEED = 60;
const now = () => new Date(performance.timeOrigin + performance.now() * SPEED);

/** What processes do to the world: each is a point at which one can die. */
type Step =
  | 'read list'
  | 'write list'
  | 'write part'
  | 'read parts'
  | 'page'
  | 'machines'
  | 'keep machine'
  | 'alert';

/** Storage and API in memory, for any number of processes. */
function createWorld({
  unknown = [] as string[],
  hasRole = true,
  alerts: alertCount = ALERTS,
  devices = DEVICES,
  pageSize = 30,
} = {}) {
  const isUnknown = new Set(unknown);
  let head: SharedList = { kind: 'idle', list: undefined };
  let version = 0;
  const parts = new Map<number, ListPart & { id: string }>();
  const machines = new Map<string, Kept<Machine>>();
  const calls: string[] = [];
  const machineOf = (id: string): Machine => ({ id, computerDnsName: `pc-${id}` });
  const firstSeen = now();
  let ids = 0;

  /** @param at Runs each step of the process, and may never end. */
  function startProcess(at: <T>(step: Step, work: () => Promise<T>) => Promise<T>) {
    const store: AlertListStore = {
      read: () =>
        at('read list', async () => ({ shared: head, etag: version > 0 ? String(version) : undefined })),
      write: (shared, etag) =>
        at('write list', async () => {
          if (etag !== (version > 0 ? String(version) : undefined)) {
            return undefined;
          }
          head = shared;
          version += 1;
          return String(version);
        }),
      readParts: (id, first, end) =>
        at('read parts', async () =>
          [...parts].filter(([n, part]) => n >= first && n < end && part.id === id).map(([, part]) => part),
        ),
      writePart: (id, first, part) =>
        at('write part', async () => {
          parts.set(first, { ...part, id });
          return 1;
        }),
    };
    const feed: AlertFeed = {
      async listUpdatedSince(_since, take) {
        if (!hasRole) {
          return { end: { kind: 'forbidden', detail: 'no role' }, calls: 0 };
        }
        for (let first = 0; first < alertCount; first += pageSize) {
          const alerts = await at('page', async () => {
            calls.push('alerts');
            return Array.from({ length: pageSize }, (_, index) => alertIdOf(first + index))
              .filter((alertId) => !isUnknown.has(alertId))
              .map((alertId) => ({ alertId, machineId: deviceOf(alertId, devices) }) as ListedAlert);
          });
          await take({ alerts, invalid: 0 });
        }
        return { end: { kind: 'complete' }, calls: 3 };
      },
    };
    const kept: MachineStore = {
      readMachine: async (id) => machines.get(id),
      writeMachine: (id, machine) => at('keep machine', async () => void machines.set(id, machine)),
      machineIdsSince: async () => [...machines.keys()],
    };
    const newId = () => {
      ids += 1;
      return String(ids);
    };
    const index = createAlertIndex(createAlertLists({ feed, store, now, newId }), now);
    const source = createDefenderSource({
      client: {
        machineOfAlert: (alertId) =>
          at('alert', async () => {
            calls.push(alertId);
            return isUnknown.has(alertId)
              ? { kind: 'not_found', detail: '404' }
              : { kind: 'machine', machine: machineOf(deviceOf(alertId, devices)) };
          }),
        machines: (machineIds) =>
          at('machines', async () => {
            calls.push('machines');
            return { kind: 'rows', rows: new Map(machineIds.map((id) => [id, machineOf(id)])) };
          }),
      },
      tokens: { get: async () => 'token', renew: async () => 'token' },
      gate: openGate().gate,
      now,
      random: Math.random,
      retryBaseDelayMs: 1,
      bulk: { index, machines: kept, reuseForMs: 900_000 },
    });
    return (alertId: string, machineId?: string) =>
      source.find(
        { alertId, machineId, inLine: false, isReturning: false, refresh: false, firstSeen },
        new AbortController().signal,
      );
  }
  return { calls, startProcess };
}

type Find = ReturnType<ReturnType<typeof createWorld>['startProcess']>;

/** Calls take a moment, in which others come. */
const slowly = async <T>(step: Step, work: () => Promise<T>) => {
  const isCall = step === 'page' || step === 'machines' || step === 'alert';
  await (isCall ? delay(20) : nextTurn());
  return work();
};

const alive = <T>(_step: Step, work: () => Promise<T>) => work();

/** Takes alerts from the line and looks them up as the host hands them over: so many at the same time. */
async function findAll(find: Find, rest: { alertId: string; machineId?: string | undefined }[]) {
  const found = new Map<string, string>();
  const work = async () => {
    for (let alert = rest.shift(); alert !== undefined; alert = rest.shift()) {
      const answer = await find(alert.alertId, alert.machineId);
      found.set(alert.alertId, answer.kind === 'found' ? answer.machine.id : answer.kind);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return found;
}

const all = Array.from({ length: ALERTS }, (_, number) => ({ alertId: alertIdOf(number) }));
const truth = new Map(all.map(({ alertId }) => [alertId, deviceOf(alertId)]));

describe('a process that dies by lists', () => {
  const steps: Step[] = [
    'write list',
    'page',
    'write part',
    'machines',
    'keep machine',
    'alert',
    'read list',
  ];
  const points = steps.flatMap((step) =>
    [1, 2].flatMap((time) => (['before', 'after'] as const).map((moment) => ({ step, time, moment }))),
  );

  test.each(points)(
    '$moment $step number $time leaves all alerts to another, with their own devices',
    async (point) => {
      const { startProcess } = createWorld();
      const died = Promise.withResolvers<void>();
      const never = new Promise<never>(() => undefined);
      let isDead = false;
      let count = 0;
      const mortal = startProcess(async (step, work) => {
        if (isDead) {
          return never;
        }
        count += step === point.step ? 1 : 0;
        const isHere = step === point.step && count === point.time;
        if (isHere && point.moment === 'before') {
          isDead = true;
          died.resolve();
          return never;
        }
        const result = await work();
        if (isHere) {
          isDead = true;
          died.resolve();
        }
        return isDead ? never : result;
      });
      const first = findAll(mortal, [...all]).then(() => died.resolve());
      await died.promise;
      void first;
      expect(await findAll(startProcess(alive), [...all])).toEqual(truth);
    },
  );
});

describe('processes that look alerts up by lists', () => {
  test('make one list together, and few calls more than devices fill', async () => {
    const { calls, startProcess } = createWorld({ unknown: ['alert-50'] });
    const finds = Array.from({ length: 4 }, () => startProcess(alive));
    const shares = await Promise.all(
      finds.map((find, part) =>
        findAll(
          find,
          all.filter((_, index) => index % 4 === part),
        ),
      ),
    );
    const found = new Map(shares.flatMap((share) => [...share]));
    expect(found).toEqual(new Map([...truth, ['alert-50', 'not_found']]));
    expect(calls.filter((call) => call === 'alerts')).toHaveLength(3);
    expect(calls.filter((call) => call === 'alert-50')).toHaveLength(1);
  });

  test('take a call for 30 devices that submitters name where lists of alerts are closed to the app', async () => {
    const { calls, startProcess } = createWorld({ hasRole: false });
    // Three in ten name their device, and these are about 75 devices that are none of the others'.
    const alerts = Array.from({ length: 500 }, (_, number) => {
      const namesDevice = number % 10 >= 7;
      return {
        alertId: alertIdOf(number),
        machineId: namesDevice ? idOf(1_000 + (number % 250)) : undefined,
      };
    });
    const named = new Set(alerts.flatMap(({ machineId }) => machineId ?? []));
    const found = await findAll(startProcess(alive), [...alerts]);
    expect(found).toEqual(new Map(alerts.map((a) => [a.alertId, a.machineId ?? deviceOf(a.alertId)])));
    expect(named.size).toBe(75);
    const single = alerts.filter(({ machineId }) => machineId === undefined).length;
    expect(calls.length).toBeLessThanOrEqual(Math.ceil(named.size / 30) + single);
    expect(calls.filter((call) => call === 'machines')).toHaveLength(3);
  });

  test.concurrent.each([1, 2, 4, 8])(
    'take no more than 120 calls for 10,000 alerts on 1,000 devices, 20 of them unknown: %i processes',
    async (processes) => {
      const ids = Array.from({ length: 10_000 }, (_, number) => alertIdOf(number));
      const unknown = ids.filter((_, number) => number % 500 === 250);
      const { calls, startProcess } = createWorld({
        unknown,
        alerts: 10_000,
        devices: 1_000,
        pageSize: 2_000,
      });
      const random = seededRandom('outbreak', processes);
      const line = ids.map((alertId) => ({ alertId, place: random() })).sort((a, b) => a.place - b.place);
      // One line for all, as the queue is.
      const shares = await Promise.all(
        Array.from({ length: processes }, () => findAll(startProcess(slowly), line)),
      );
      const found = new Map(shares.flatMap((share) => [...share]));
      const isUnknown = new Set(unknown);
      const right = ids.map((id) => [id, isUnknown.has(id) ? 'not_found' : deviceOf(id, 1_000)]);
      expect(found).toEqual(new Map(right as [string, string][]));
      expect(calls.length).toBeLessThanOrEqual(120);
    },
  );
});
