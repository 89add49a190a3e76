import { beforeEach, describe, expect, test } from 'vitest';
import {
  createAutoFeed,
  createAutoSource,
  type SourceEvent,
  type SourceStateStore,
} from '#shared/sources/auto/autoSource.ts';
import { INITIAL_STATE, type SourceState } from '#shared/sources/auto/sourceState.ts';
import type { ApiSign } from '#shared/sources/lookUp.ts';
import type { AlertFeed, Source, SourceAnswer, SourceName } from '#shared/sources/source.ts';

let time = Date.parse('2027-02-01T00:00:00Z');
const now = () => new Date(time);
beforeEach(() => {
  time = Date.parse('2027-02-01T00:00:00Z');
});

type Behaviour = 'serves' | 'gone' | 'unknown' | 'outage' | 'no role';

/** Several processes before one stored state, with a Defender API that behaves as a test says. */
function createWorld() {
  let stored: { state: SourceState; etag: string | undefined } = { state: INITIAL_STATE, etag: undefined };
  const store: SourceStateStore = {
    read: async () => stored,
    async write(state, etag) {
      if (etag !== stored.etag) {
        return undefined;
      }
      stored = { state, etag: String(Number(etag ?? 0) + 1) };
      return stored.etag;
    },
  };
  const calls = { defender: [] as string[], graph: [] as string[] };
  const events: SourceEvent[] = [];
  const defender = { behaviour: 'serves' as Behaviour, unknownAlerts: new Set<string>() };
  const found = (source: SourceName): SourceAnswer => ({
    kind: 'found',
    source,
    machine: { id: 'm' },
    retrievedAt: now(),
    unavailable: [],
  });

  function answerOf(alertId: string, onSign: (sign: ApiSign) => void): SourceAnswer {
    switch (defender.behaviour) {
      case 'outage':
        return { kind: 'unavailable', detail: 'answered 503' };
      case 'no role':
        return { kind: 'denied', until: now(), detail: 'the role is missing' };
      case 'gone':
        onSign({ kind: 'gone', detail: 'answered 410', isDefinite: true });
        return { kind: 'denied', until: now(), detail: 'answered 410' };
      case 'serves':
      case 'unknown':
        if (defender.behaviour === 'unknown' || defender.unknownAlerts.has(alertId)) {
          onSign({ kind: 'unknown', alertId });
          return { kind: 'not_found', detail: 'answered 404' };
        }
        onSign({ kind: 'serves', alertId });
        return found('defender');
    }
  }

  const process = () =>
    createAutoSource({
      defender: (onSign): Source => ({
        name: 'defender',
        async find({ alertId }) {
          calls.defender.push(alertId);
          return answerOf(alertId, onSign);
        },
      }),
      graph: {
        name: 'graph',
        async find({ alertId }) {
          calls.graph.push(alertId);
          return found('graph');
        },
      },
      store,
      onChange: (event) => events.push(event),
      now,
      retryBaseDelayMs: 5_000,
    });
  return { process, calls, events, defender, state: () => stored.state };
}

const signal = new AbortController().signal;
const find = (source: Source, alertId: string) =>
  source.find({ alertId, inLine: false, isReturning: false, refresh: false, firstSeen: new Date(0) }, signal);

/** Looks an alert up every so many seconds. */
async function lookUpFor(source: Source, seconds: number, everySeconds = 10): Promise<SourceAnswer[]> {
  const answers: SourceAnswer[] = [];
  for (let passed = 0; passed < seconds; passed += everySeconds) {
    answers.push(await find(source, `alert-${time}`));
    time += everySeconds * 1_000;
  }
  return answers;
}

describe('auto', () => {
  test('asks Defender while it serves, and Graph never', async () => {
    const { process, calls } = createWorld();
    await lookUpFor(process(), 600);
    expect(calls.defender).toHaveLength(60);
    expect(calls.graph).toEqual([]);
  });

  test.each(['gone', 'unknown'] as const)(
    'moves over within two minutes when Defender is gone (%s), and no alert ends',
    async (behaviour) => {
      const { process, calls, defender, events, state } = createWorld();
      const source = process();
      await lookUpFor(source, 120);
      defender.behaviour = behaviour;
      const answers = await lookUpFor(source, 300);
      expect(state().mode).toBe('graph');
      expect(source.name).toBe('graph');
      expect(events).toMatchObject([{ event: 'source', from: 'defender', to: 'graph' }]);
      const kinds = answers.map(({ kind }) => kind);
      expect(kinds.indexOf('found')).toBeLessThanOrEqual(18);
      expect(kinds.slice(kinds.indexOf('found')).every((kind) => kind === 'found')).toBe(true);
      // One look-up that was not taken for a sign may have been answered with 404: it comes again in any case.
      expect(kinds.filter((kind) => kind === 'not_found').length).toBeLessThanOrEqual(6);
      expect(calls.graph.length).toBeGreaterThan(0);
    },
  );

  test.each(['outage', 'no role'] as const)('stays through half an hour of %s', async (behaviour) => {
    const { process, calls, defender, events } = createWorld();
    const source = process();
    await lookUpFor(source, 60);
    defender.behaviour = behaviour;
    await lookUpFor(source, 1_800);
    expect(calls.graph).toEqual([]);
    expect(events).toEqual([]);
  });

  test('stays when single alerts are unknown, and asks about one that is known first', async () => {
    const { process, calls, defender } = createWorld();
    const source = process();
    await find(source, 'known');
    time += 300_000;
    defender.unknownAlerts.add('never');
    for (let times = 0; times < 10; times += 1) {
      expect((await find(source, 'never')).kind).toBe('not_found');
      time += 61_000;
    }
    expect(calls.graph).toEqual([]);
    expect(calls.defender.filter((alertId) => alertId === 'known').length).toBeGreaterThan(5);
  });

  test('moves over in all processes', async () => {
    const { process, defender } = createWorld();
    const [one, other] = [process(), process()];
    await lookUpFor(one, 30);
    await find(other, 'x');
    defender.behaviour = 'gone';
    await lookUpFor(one, 120);
    time += 15_000;
    expect(await find(other, 'y')).toMatchObject({ kind: 'found', source: 'graph' });
  });

  test('asks Defender once an hour, by one process, and moves back when it serves', async () => {
    const { process, defender, calls, events, state } = createWorld();
    const [one, other] = [process(), process()];
    await lookUpFor(one, 30);
    defender.behaviour = 'gone';
    await lookUpFor(one, 180);
    expect(state().mode).toBe('graph');
    calls.defender.length = 0;
    for (const source of [one, other]) {
      await lookUpFor(source, 3_000, 100);
    }
    expect(calls.defender).toHaveLength(1);
    defender.behaviour = 'serves';
    await lookUpFor(one, 3_700, 100);
    expect(state().mode).toBe('defender');
    expect(events.map(({ to }) => to)).toEqual(['graph', 'defender']);
    expect(await find(one, 'z')).toMatchObject({ source: 'defender' });
  });

  test('comes back with a new alert when Defender has forgotten the one that it is asked about', async () => {
    const { process, defender, calls, state } = createWorld();
    const one = process();
    await lookUpFor(one, 30);
    defender.behaviour = 'gone';
    await lookUpFor(one, 180);
    defender.unknownAlerts.add(state().canary ?? '');
    defender.behaviour = 'serves';
    calls.defender.length = 0;
    await lookUpFor(one, 3_700, 100);
    expect(state().mode).toBe('defender');
    expect(calls.defender[0]).not.toBe(calls.defender[1]);
  });
});

test('new alerts are listed by the API that serves', async () => {
  const listed: SourceName[] = [];
  const feed = (name: SourceName): AlertFeed => ({
    async listUpdatedSince() {
      listed.push(name);
      return { end: { kind: 'complete' }, calls: 1 };
    },
  });
  let state: SourceState = INITIAL_STATE;
  const auto = createAutoFeed(
    { current: async () => state },
    { defender: feed('defender'), graph: feed('graph') },
  );
  await auto.listUpdatedSince(now(), async () => undefined, signal);
  state = { mode: 'graph', canary: null, since: now(), detail: '', nextProbeAt: now() };
  await auto.listUpdatedSince(now(), async () => undefined, signal);
  expect(listed).toEqual(['defender', 'graph']);
});
