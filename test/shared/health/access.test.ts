import * as fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import { type AccessDeps, accessProbes } from '#shared/health/access.ts';
import { checkHealth } from '#shared/health/health.ts';
import type { CallGate, PermitDecision } from '#shared/quota/callGate.ts';
import { type AnswerStore, type Answers, notingAnswers } from '#shared/quota/lastAnswer.ts';
import type { SourceState } from '#shared/sources/auto/sourceState.ts';
import type { Reply } from '#shared/sources/defender/reply.ts';
import { StorageTimeoutError } from '#shared/storage/storageError.ts';

const START = Date.parse('2026-11-27T08:00:00Z');
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const PRINCIPAL = '11111111-2222-3333-4444-555555555555';

let time: number;
const now = () => new Date(time);

beforeEach(() => {
  time = START;
});

function tokenWith(roles: readonly string[]): string {
  const claims = {
    aud: 'api',
    appid: 'app',
    oid: PRINCIPAL,
    tid: 'tenant',
    roles,
    iat: 1,
    exp: START / 1_000,
  };
  return `x.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.x`;
}

/** Answers that all instances of a test share, with writes that hold only on what was read. */
function createAnswers(): AnswerStore & { problemKinds: string[] } {
  let row: Answers = { answeredAt: undefined, asked: undefined, etag: undefined };
  let etag = 0;
  const write = (changes: Partial<Answers>) => {
    etag += 1;
    row = { ...row, ...changes, etag: String(etag) };
  };
  const problemKinds: string[] = [];
  return {
    problemKinds,
    read: async () => row,
    async noteAnswer(at) {
      write({ answeredAt: at });
    },
    async claim(known, at) {
      await Promise.resolve();
      if (known.etag !== row.etag) {
        return false;
      }
      write({ asked: { at, problem: undefined } });
      return true;
    },
    async noteProblem(problem) {
      problemKinds.push(problem.kind);
      write({ asked: { at: row.asked?.at ?? now(), problem } });
    },
  };
}

/** What all instances of the app share, and what the APIs say. */
function createWorld(choice: AccessDeps['choice'] = 'defender') {
  const calls: string[] = [];
  const denials: string[] = [];
  const world = {
    calls,
    denials,
    roles: ['Machine.Read.All', 'SecurityAlert.Read.All', 'ThreatHunting.Read.All'],
    reply: { kind: 'not_found', detail: 'no such alert' } as Reply,
    permit: { kind: 'granted', slot: START, probe: false } as PermitDecision,
    mode: 'defender' as SourceState['mode'],
    released: 0,
    places: [] as string[],
    renewals: 0,
    answers: createAnswers(),
    startInstance,
  };
  const ofGraph = { alerts: createAnswers(), hunting: createAnswers() };

  function createGate(answers: AnswerStore): CallGate {
    const gate: CallGate = {
      openCircuit: () => undefined,
      async acquire({ place }) {
        world.places.push(place);
        return world.permit;
      },
      release: () => {
        world.released += 1;
      },
      returned: () => undefined,
      succeeded: async () => undefined,
      throttled: async () => ({ until: now() }),
      async denied(_permit, { detail }) {
        denials.push(detail);
        return { until: now() };
      },
      waitingSince: () => undefined,
    };
    return notingAnswers(gate, answers, now);
  }

  function startInstance({ polls = false } = {}) {
    const quotaOf = (answers: AnswerStore) => ({ gate: createGate(answers), answers });
    let token = tokenWith(world.roles);
    const tokens = {
      get: async () => token,
      renew: async () => {
        world.renewals += 1;
        token = tokenWith(world.roles);
        return token;
      },
    };
    const called = (api: string) => {
      calls.push(api);
      return world.reply;
    };
    const quota = quotaOf(world.answers);
    const probes = accessProbes({
      choice,
      polls,
      defender: { client: { machineOfAlert: async () => called('defender') }, tokens, quota },
      graph: {
        client: {
          alert: async () => called('alerts') as never,
          hunt: async () => called('hunting') as never,
        },
        tokens,
        quota: quotaOf(ofGraph.alerts),
        hunting: quotaOf(ofGraph.hunting),
      },
      current: async () =>
        world.mode === 'defender'
          ? { mode: 'defender', canary: null, provedAt: null, doubt: null }
          : { mode: 'graph', canary: null, since: now(), detail: 'gone', nextProbeAt: now() },
      now,
    });
    const look = async () => {
      const { status, ready, checks } = await checkHealth(probes, 10_000);
      return { status, ready, checks: Object.fromEntries(checks.map((check) => [check.name, check])) };
    };
    return { look, gate: quota.gate };
  }
  return world;
}

test('a deployment that no alert has come to yet is ready after one call', async () => {
  const world = createWorld();
  const { look } = world.startInstance();
  const seen = await look();
  expect(seen).toMatchObject({ status: 'healthy', ready: true });
  expect(Object.keys(seen.checks)).toEqual(['token for Defender', 'role Machine.Read.All', 'Defender']);
  expect(seen.checks.Defender?.detail).toBe('answered the app at 2026-11-27T08:00:00.000Z');
  expect(JSON.stringify(seen)).not.toContain(tokenWith(world.roles));
  await look();
  await world.startInstance().look();
  expect(world.calls).toEqual(['defender']);
});

test('it is asked again after an hour, if no alert was looked up meanwhile', async () => {
  const world = createWorld();
  const { look, gate } = world.startInstance();
  await look();
  time += HOUR_MS;
  await look();
  expect(world.calls).toHaveLength(2);
  time += 50 * MINUTE_MS;
  await gate.succeeded({ kind: 'granted', slot: time, probe: false });
  time += 50 * MINUTE_MS;
  expect(await look()).toMatchObject({ ready: true });
  expect(world.calls).toHaveLength(2);
});

test('however often and on however many instances it is looked at, no hour has two calls', async () => {
  const step = fc.record({
    afterMs: fc.integer({ min: 0, max: 40 * MINUTE_MS }),
    instances: fc.array(fc.nat(3), { minLength: 1, maxLength: 6 }),
    kind: fc.constantFrom('not_found', 'unavailable', 'forbidden', 'throttled'),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 20 }), async (steps) => {
      time = START;
      const world = createWorld();
      const instances = [0, 1, 2, 3].map(() => world.startInstance());
      const askedAt: number[] = [];
      for (const { afterMs, instances: chosen, kind } of steps) {
        time += afterMs;
        world.reply = { kind, detail: 'x', code: 'x', retryAfterMs: undefined } as Reply;
        const before = world.calls.length;
        await Promise.all(chosen.map((index) => instances[index]?.look()));
        askedAt.push(...world.calls.slice(before).map(() => time));
      }
      for (const [index, at] of askedAt.entries()) {
        expect(at - (askedAt[index - 1] ?? Number.NEGATIVE_INFINITY)).toBeGreaterThanOrEqual(HOUR_MS);
      }
    }),
    { numRuns: 60 },
  );
});

describe('where the role is missing', () => {
  test('no call is made, and the check names role, identity and script', async () => {
    const world = createWorld();
    world.roles = [];
    const { status, ready, checks } = await world.startInstance().look();
    expect({ status, ready }).toEqual({ status: 'unhealthy', ready: false });
    expect(checks['role Machine.Read.All']).toMatchObject({
      status: 'failed',
      detail: expect.stringContaining(`grant-permissions.sh --principal-id ${PRINCIPAL}.`),
    });
    expect(checks.Defender).toMatchObject({
      status: 'warning',
      detail: expect.stringContaining('not asked'),
    });
    expect(world.calls).toEqual([]);
  });

  test('a grant is seen a minute later, without a restart and without an hour of waiting', async () => {
    const world = createWorld();
    world.roles = [];
    const { look } = world.startInstance();
    await look();
    await look();
    expect(world.renewals).toBe(1);
    world.roles = ['Machine.Read.All'];
    time += MINUTE_MS;
    expect(await look()).toMatchObject({ ready: true });
    expect(world.calls).toEqual(['defender']);
  });

  test('that of the poller is a warning, since alerts come by other ways too', async () => {
    const world = createWorld();
    const { status, ready, checks } = await world.startInstance({ polls: true }).look();
    expect({ status, ready }).toEqual({ status: 'healthy', ready: false });
    expect(checks['role Alert.Read.All']?.detail).toContain('--with-poller');
  });
});

describe('an API that does not answer normally', () => {
  test('is a warning while it is silent: alerts wait and are tried again', async () => {
    const world = createWorld();
    world.reply = { kind: 'unavailable', detail: 'no connection (ECONNREFUSED)' };
    const { look } = world.startInstance();
    const { status, checks } = await look();
    expect(status).toBe('healthy');
    expect(checks.Defender?.detail).toMatch(
      /ECONNREFUSED.*asked at 2026-11-27T08:00.*after 2026-11-27T09:00/,
    );
    world.reply = { kind: 'not_found', detail: 'x' };
    time += 59 * MINUTE_MS;
    expect(await look()).toMatchObject({ ready: false });
    time += MINUTE_MS;
    expect(await look()).toMatchObject({ ready: true });
  });

  test('is a failure when it refuses the app, and stops look-ups where the token is not accepted', async () => {
    const world = createWorld();
    world.reply = { kind: 'unauthorized', detail: 'Defender answered 401' };
    const { checks } = await world.startInstance().look();
    expect(checks.Defender).toMatchObject({ status: 'failed' });
    expect(world.denials).toEqual(['Defender answered 401']);
  });

  test('stops no look-up by a 403 to an app that has the role, and tells of it', async () => {
    const world = createWorld();
    world.reply = { kind: 'forbidden', code: 'Forbidden', detail: 'Defender answered 403' };
    const { checks } = await world.startInstance().look();
    expect(checks.Defender).toMatchObject({ status: 'failed' });
    expect(world.denials).toEqual([]);
  });

  test('is well again with the first alert that is looked up', async () => {
    const world = createWorld();
    world.reply = { kind: 'unavailable', detail: 'no connection' };
    const { look, gate } = world.startInstance();
    await look();
    time += MINUTE_MS;
    await gate.succeeded({ kind: 'granted', slot: time, probe: false });
    expect(await look()).toMatchObject({ ready: true });
  });
});

test('a slot that is taken while another instance asks is given back', async () => {
  const world = createWorld();
  const [one, other] = [world.startInstance(), world.startInstance()];
  await Promise.all([one.look(), other.look()]);
  expect(world.calls).toHaveLength(1);
  expect(world.released).toBe(1);
});

test('nothing is asked while the circuit is open', async () => {
  const world = createWorld();
  world.permit = { kind: 'denied', until: now(), detail: 'the circuit is open' };
  expect((await world.startInstance().look()).checks.Defender?.detail).toContain('not asked: see token');
  expect(world.calls).toEqual([]);
});

test('where the quota is used up, it keeps the one turn that it is promised, however often it is looked at', async () => {
  const world = createWorld();
  const until = new Date(START + 10 * MINUTE_MS);
  world.permit = {
    kind: 'wait',
    reason: 'quota',
    until,
    inLine: true,
    detail: 'the quota is used up until then',
  };
  const { look } = world.startInstance();
  for (let minute = 0; minute < 10; minute += 1) {
    expect((await look()).checks.Defender?.detail).toContain('no call is free before 2026-11-27T08:10');
    time += MINUTE_MS;
  }
  world.permit = { kind: 'granted', slot: time, probe: false };
  expect(await look()).toMatchObject({ ready: true });
  expect(world.places).toEqual(['last', 'turn']);
});

test('an instance that dies while it asks does not hide that nothing is known', async () => {
  const world = createWorld();
  await world.answers.claim(await world.answers.read(), now());
  const { look } = world.startInstance();
  expect((await look()).checks.Defender?.detail).toContain('is being asked');
  time += 2 * MINUTE_MS;
  expect((await look()).checks.Defender?.detail).toContain('did not say what came of it');
  time += HOUR_MS;
  expect(await look()).toMatchObject({ ready: true });
});

test('a state table that cannot be read is told of by its own check', async () => {
  const world = createWorld();
  world.answers.read = () => Promise.reject(new StorageTimeoutError('down'));
  expect((await world.startInstance().look()).checks.Defender).toMatchObject({ status: 'warning' });
  expect(world.calls).toEqual([]);
});

describe('with the source auto', () => {
  test('Graph only warns while Defender serves', async () => {
    const world = createWorld('auto');
    world.roles = ['Machine.Read.All'];
    const { status, ready, checks } = await world.startInstance().look();
    expect({ status, ready }).toEqual({ status: 'healthy', ready: false });
    expect(checks['role SecurityAlert.Read.All']).toMatchObject({
      status: 'warning',
      detail: expect.stringContaining('--source auto'),
    });
    expect(world.calls).toEqual(['defender']);
  });

  test('Defender is left alone when Graph serves, whose role is needed then', async () => {
    const world = createWorld('auto');
    world.mode = 'graph';
    world.roles = ['ThreatHunting.Read.All'];
    const { status, checks } = await world.startInstance().look();
    expect(status).toBe('unhealthy');
    expect(checks['role Machine.Read.All']).toMatchObject({ status: 'ok' });
    expect(checks['role SecurityAlert.Read.All']).toMatchObject({ status: 'failed' });
    expect(world.calls).toEqual(['hunting']);
  });
});

test('one that finds devices in Graph asks both of its APIs, and hunting stops nothing', async () => {
  const world = createWorld('graph');
  world.roles = ['SecurityAlert.Read.All'];
  const { status, checks } = await world.startInstance().look();
  expect(status).toBe('healthy');
  expect(checks['role ThreatHunting.Read.All']).toMatchObject({ status: 'warning' });
  expect(world.calls).toEqual(['alerts']);
});
