import { setImmediate as nextTick } from 'node:timers/promises';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import type { RateLimit } from '#shared/config/rateLimits.ts';
import type { CallGate, CallRequest, Permit, PermitDecision } from '#shared/quota/callGate.ts';
import { EMPTY_LEDGER, type Ledger, type LedgerRules } from '#shared/quota/ledger.ts';
import type { LedgerStore } from '#shared/quota/ledgerExchange.ts';
import { createLedgerGate } from '#shared/quota/ledgerGate.ts';

const never = new AbortController().signal;

/** One shared ledger in memory, with conditional writes, and as many gates before it as a test wants. */
function createShared(limits: RateLimit[], changes: Partial<LedgerRules> = {}) {
  const rules: LedgerRules = { limits, share: 1, inProcessWaitMs: 10_000, probeIntervalMs: 200, ...changes };
  const done = { reads: 0, writes: 0, lost: 0 };
  const trouble = {
    reads: undefined as Error | undefined,
    writes: undefined as Error | undefined,
    lose: 0,
    hang: false,
    onceWritten: undefined as (() => void) | undefined,
  };
  let ledger: Ledger = EMPTY_LEDGER;
  let etag: string | undefined;
  let offset = 0;
  const clock = { now: () => Date.now() + offset, observe: () => undefined };

  const store: LedgerStore = {
    async read() {
      await nextTick();
      done.reads += 1;
      if (trouble.hang) {
        await new Promise(() => undefined);
      }
      if (trouble.reads) {
        throw trouble.reads;
      }
      return { ledger, etag };
    },
    async write(next, presented) {
      await nextTick();
      if (trouble.writes) {
        throw trouble.writes;
      }
      if (trouble.lose > 0 || presented !== etag) {
        trouble.lose -= 1;
        done.lost += 1;
        return undefined;
      }
      done.writes += 1;
      ledger = next;
      etag = String(done.writes);
      trouble.onceWritten?.();
      trouble.onceWritten = undefined;
      return etag;
    },
  };

  return {
    done,
    trouble,
    clock,
    ledger: () => ledger,
    jump: (milliseconds: number) => {
      offset += milliseconds;
    },
    gate: (random = Math.random) => createLedgerGate({ store, clock, rules, random }),
  };
}

function ask(
  gate: CallGate,
  count: number,
  { place = 'last', mayProbeCircuit = true }: Partial<CallRequest> = {},
): Promise<PermitDecision>[] {
  return Array.from({ length: count }, () => gate.acquire({ place, mayProbeCircuit }, never));
}

function kinds(admissions: PermitDecision[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { kind } of admissions) {
    counts[kind] = (counts[kind] ?? 0) + 1;
  }
  return counts;
}

function refusal(detail: string) {
  return { cause: 'forbidden', detail } as const;
}

const plenty: RateLimit[] = [{ calls: 1_000, windowMs: 60_000 }];

describe('a gate with quota to spare', () => {
  test('lets hundreds call at once for one exchange with the ledger', async () => {
    const { gate, done, ledger } = createShared(plenty);
    expect(kinds(await Promise.all(ask(gate(), 500)))).toEqual({ granted: 500 });
    expect(done).toEqual({ reads: 1, writes: 1, lost: 0 });
    expect(ledger().calls).toHaveLength(500);
  });

  test('serves those who arrive during an exchange with the next one', async () => {
    const { gate, done } = createShared(plenty);
    const ours = gate();
    const first = ours.acquire({ place: 'last', mayProbeCircuit: true }, never);
    while (done.reads === 0) {
      await nextTick();
    }
    const others = ask(ours, 50);
    expect(kinds(await Promise.all([first, ...others]))).toEqual({ granted: 51 });
    expect(done.writes).toBe(2);
  });
});

test('a slot taken with a clock that was behind is given up: the write that reserves it tells the time', async () => {
  const { gate, clock, ledger, jump, trouble } = createShared([{ calls: 100, windowMs: 10_000 }]);
  const ours = gate();
  await ours.acquire({ place: 'last', mayProbeCircuit: true }, never);
  const behind = clock.now();
  trouble.onceWritten = () => jump(3_000);
  const permit = await ours.acquire({ place: 'last', mayProbeCircuit: true }, never);
  expect(permit.kind === 'granted' && permit.slot - behind).toBeGreaterThanOrEqual(3_000);
  expect(ledger().calls).toHaveLength(2);
  expect(ledger().calls[1]).toBeGreaterThanOrEqual(behind + 3_000);
});

describe('several instances', () => {
  test('share one quota: what one reserves, the others do not', async () => {
    const { gate, ledger } = createShared([{ calls: 30, windowMs: 3_600_000 }]);
    const admissions = await Promise.all([gate(), gate(), gate()].flatMap((each) => ask(each, 20)));
    expect(kinds(admissions)).toEqual({ granted: 30, wait: 30 });
    expect(ledger().calls).toHaveLength(30);
  });

  test('begin again when another one wrote first', async () => {
    const { gate, trouble, done } = createShared(plenty);
    trouble.lose = 5;
    expect(
      kinds(
        await Promise.all(
          ask(
            gate(() => 0),
            10,
          ),
        ),
      ),
    ).toEqual({ granted: 10 });
    expect(done).toMatchObject({ lost: 5, writes: 1 });
  });

  test('give up, and say so, when they lose every time', async () => {
    const { gate, trouble } = createShared(plenty);
    trouble.lose = Number.POSITIVE_INFINITY;
    await expect(gate(() => 0).acquire({ place: 'last', mayProbeCircuit: true }, never)).rejects.toThrow(
      'another instance was faster',
    );
  });
});

describe('without the ledger', () => {
  test.each(['reads', 'writes'] as const)(
    'no call is granted: when its %s fail, all who wait hear of it',
    async (part) => {
      const { gate, trouble } = createShared(plenty);
      const ours = gate();
      trouble[part] = new Error('503 from storage');
      const outcomes = await Promise.allSettled(ask(ours, 20));
      expect(new Set(outcomes.map(({ status }) => status))).toEqual(new Set(['rejected']));
      trouble[part] = undefined;
      expect(kinds(await Promise.all(ask(ours, 3)))).toEqual({ granted: 3 });
    },
  );

  test('what became of calls is kept, and booked with the first exchange that holds', async () => {
    const { gate, trouble, ledger, clock } = createShared([{ calls: 100, windowMs: 10_000 }]);
    const ours = gate();
    const [used, unused] = (await Promise.all(ask(ours, 2))) as [Permit, Permit];
    trouble.reads = trouble.writes = new Error('503 from storage');
    ours.returned({ ...used, slot: used.slot - 5_000 });
    ours.release(unused);
    const { until } = await ours.throttled(300);
    expect(until.getTime() - clock.now()).toBeGreaterThan(200);
    await ours.denied(undefined, refusal('no role'));
    await expect(ask(gate(), 1)[0]).rejects.toThrow('503 from storage');

    trouble.reads = trouble.writes = undefined;
    while (ledger().circuit === null) {
      await ours.succeeded({ ...used, probe: 'pause' });
    }
    expect(ledger()).toMatchObject({ circuit: { detail: 'no role' }, strike: { rate: 0.7 } });
    expect(ledger().calls).toHaveLength(2);
  });

  test('a store that never answers fails whoever waits, and later callers are served again', async () => {
    const { gate, trouble, clock } = createShared(plenty);
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] });
    try {
      const ours = gate();
      trouble.hang = true;
      const outcomes = Promise.allSettled([...ask(ours, 2)]);
      await vi.advanceTimersByTimeAsync(1_000);
      const since = ours.waitingSince();
      const late = Promise.allSettled(ask(ours, 1));
      expect(since).toBe(clock.now() - 1_000);
      await vi.advanceTimersByTimeAsync(30_000);
      const reasons = [...(await outcomes), ...(await late)].map(
        (outcome) => outcome.status === 'rejected' && outcome.reason,
      );
      expect(reasons).toEqual(
        new Array(3).fill(expect.objectContaining({ name: 'LedgerError', code: 'silent' })),
      );
      expect(ours.waitingSince()).toBeUndefined();
      trouble.hang = false;
      const served = Promise.all(ask(ours, 2));
      await vi.advanceTimersByTimeAsync(100);
      expect(kinds(await served)).toEqual({ granted: 2 });
    } finally {
      vi.useRealTimers();
    }
  });
});

describe('a gate whose quota is used up', () => {
  test('spaces calls so that no window holds more than its calls, whoever makes them', async () => {
    // The machine's own clock would show how busy the machine is.
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] });
    onTestFinished(() => void vi.useRealTimers());
    const limit = { calls: 10, windowMs: 1_000 };
    const { gate, clock } = createShared([limit]);
    const times: number[] = [];
    const admissions = [gate(), gate()].flatMap((each) => ask(each, 13));
    for (const admission of admissions) {
      void admission.then(() => times.push(clock.now()));
    }
    const admitted = Promise.all(admissions);
    await vi.advanceTimersByTimeAsync(5_000);
    expect(kinds(await admitted)).toEqual({ granted: 26 });
    times.sort((left, right) => left - right);
    times.forEach((time, index) => {
      const beyond = times[index + limit.calls];
      if (beyond !== undefined) {
        expect(beyond - time).toBeGreaterThan(limit.windowMs);
      }
    });
    expect((times.at(-1) ?? 0) - (times[0] ?? 0)).toBeLessThan(4_000);
  });

  test('promises turns in the order of arrival instead of keeping workers for long', {
    timeout: 5_000,
  }, async () => {
    const { gate } = createShared([{ calls: 5, windowMs: 3_600_000 }], { inProcessWaitMs: 400 });
    const ours = gate();
    const begun = Date.now();
    const first = await Promise.all(ask(ours, 8));
    expect(kinds(first)).toEqual({ granted: 5, wait: 3 });
    const second = await Promise.all(ask(ours, 80));
    // Nobody is kept for much longer than the longest wait in a worker.
    expect(Date.now() - begun).toBeLessThan(2_000);
    const turns = [...first, ...second].flatMap((admission) =>
      admission.kind === 'wait' ? [admission] : [],
    );
    expect(turns).toHaveLength(83);
    expect(turns.every(({ inLine }) => inLine)).toBe(true);
    const untils = turns.map(({ until }) => until.getTime());
    expect(Math.min(...untils)).toBeGreaterThan(begun + 3_500_000);
    expect(untils.toSorted((left, right) => left - right)).toEqual(untils);
    // Five an hour: the line is as long as it must be, and not much longer.
    expect(Math.max(...untils)).toBeLessThan(begun + 18 * 3_800_000);
  });

  test('lets those with a turn go before those who are new', async () => {
    const { gate, jump } = createShared([{ calls: 5, windowMs: 60_000 }], { inProcessWaitMs: 4_000 });
    const ours = gate();
    const [turn] = (await Promise.all(ask(ours, 6))).filter(({ kind }) => kind === 'wait');
    if (turn?.kind !== 'wait') {
      throw new Error('nobody was promised a turn');
    }
    jump(61_300);
    const stranger = gate();
    const [fresh, returning] = await Promise.all(
      [...ask(stranger, 5), ...ask(stranger, 1, { place: 'turn' })].slice(-2),
    );
    expect(returning).toMatchObject({ kind: 'granted', probe: false });
    expect(fresh?.kind).toBe('wait');
  });

  test.each([true, false])(
    'sends whoever runs out of time back, without a call (in line: %s)',
    async (inLine) => {
      const { gate, done } = createShared([{ calls: 1, windowMs: 5_000 }]);
      const ours = gate();
      await ours.acquire({ place: 'last', mayProbeCircuit: true }, never);
      const deadline = new AbortController();
      const waiting = ours.acquire(
        { place: inLine ? 'turn' : 'last', mayProbeCircuit: true },
        deadline.signal,
      );
      const writes = done.writes;
      deadline.abort();
      expect(await waiting).toMatchObject({ kind: 'wait', reason: 'quota', inLine });
      expect(done.writes).toBe(writes);
    },
  );

  test('takes no slot for whoever has run out of time already', async () => {
    const { gate, done } = createShared(plenty);
    expect(await gate().acquire({ place: 'last', mayProbeCircuit: true }, AbortSignal.abort())).toMatchObject(
      { kind: 'wait' },
    );
    expect(done).toEqual({ reads: 0, writes: 0, lost: 0 });
  });

  test('gives up a slot that the process missed, and takes another one', async () => {
    const { gate, clock, ledger } = createShared([{ calls: 1, windowMs: 400 }]);
    const ours = gate();
    await ours.acquire({ place: 'turn', mayProbeCircuit: true }, never);
    const waiting = ours.acquire({ place: 'turn', mayProbeCircuit: true }, never);
    while (ledger().calls.length < 2) {
      await nextTick();
    }
    const slot = ledger().calls[1] ?? 0;
    // Nothing else runs in this process until the slot is past by far.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, slot + 100 - clock.now());
    expect(await waiting).toMatchObject({ kind: 'granted', probe: false });
    const calledAt = clock.now();
    const late = calledAt - (ledger().calls.findLast((call) => call <= calledAt) ?? 0);
    expect(late).toBeLessThan(10);
    // The missed slot is free again for others, and the call is booked when it is made.
    expect(calledAt).toBeGreaterThanOrEqual(slot + 100);
    expect(ledger().calls).not.toContain(slot);
  });
});

test('a call that comes back late is booked anew, and takes no probe for itself', async () => {
  const { gate, clock, ledger, jump } = createShared([{ calls: 100, windowMs: 10_000 }], {
    inProcessWaitMs: 60,
  });
  const ours = gate();
  const permit = await ours.acquire({ place: 'last', mayProbeCircuit: true }, never);
  if (permit.kind !== 'granted') {
    throw new Error('nothing was granted');
  }
  await ours.denied(undefined, refusal('no role'));
  jump((ledger().circuit?.probeAt ?? 0) - clock.now());
  ours.returned(permit);
  while (ledger().calls.includes(permit.slot)) {
    await nextTick();
  }
  expect(ledger().calls).toHaveLength(1);
  expect(await gate().acquire({ place: 'last', mayProbeCircuit: true }, never)).toMatchObject({
    kind: 'granted',
    probe: 'circuit',
  });
});

describe('a pause after a 429', () => {
  test('holds for every instance, and ends with one probe that goes first', async () => {
    const { gate, clock } = createShared(plenty);
    const [ours, theirs] = [gate(), gate()];
    const { until } = await ours.throttled(500);
    expect(until.getTime() - clock.now()).toBeGreaterThan(400);
    const order: PermitDecision[] = [];
    const asked = [...ask(ours, 3), ...ask(theirs, 3)].map(async (waiting) => {
      const admission = await waiting;
      order.push(admission);
      expect(clock.now()).toBeGreaterThanOrEqual(until.getTime());
      if (admission.kind === 'granted' && admission.probe) {
        await ours.succeeded(admission);
      }
    });
    await Promise.all(asked);
    const isProbe = (admission: PermitDecision) => admission.kind === 'granted' && admission.probe;
    expect(order.map(isProbe)).toEqual(['pause', false, false, false, false, false]);
    expect(await gate().acquire({ place: 'turn', mayProbeCircuit: true }, never)).toMatchObject({
      kind: 'granted',
      probe: false,
    });
  });

  test('costs the ledger little while everybody waits', async () => {
    const { gate, done } = createShared(plenty, { inProcessWaitMs: 1_600 });
    const ours = gate();
    await ours.throttled(700);
    const reads = done.reads;
    const [first] = ask(ours, 5);
    expect(await first).toMatchObject({ kind: 'granted', probe: 'pause' });
    expect(done.reads - reads).toBeLessThan(20);
  });

  test('can be probed by a call that may not probe the circuit, which stays open when it opened meanwhile', async () => {
    const { gate, clock, jump } = createShared(plenty);
    const ours = gate();
    const { until } = await ours.throttled(5_000);
    jump(until.getTime() - clock.now());
    const [probe] = await Promise.all(ask(ours, 1, { mayProbeCircuit: false }));
    expect(probe).toMatchObject({ kind: 'granted', probe: 'pause' });
    if (probe?.kind !== 'granted') {
      return;
    }
    const denied = await ours.denied(
      { kind: 'granted', probe: false, slot: clock.now() },
      refusal('no role'),
    );
    await ours.succeeded(probe);
    expect(await Promise.all(ask(ours, 2))).toEqual(
      new Array(2).fill({ kind: 'denied', until: denied.until, detail: 'no role' }),
    );
    expect(kinds(await Promise.all(ask(gate(), 2)))).toEqual({ denied: 2 });
  });

  test('that is long sends everybody away', async () => {
    const { gate } = createShared(plenty);
    const { until } = await gate().throttled(3_600_000);
    const admissions = await Promise.all(ask(gate(), 5));
    expect(kinds(admissions)).toEqual({ wait: 5 });
    for (const admission of admissions) {
      expect(admission.kind === 'wait' && admission.until.getTime() > until.getTime() - 60_000).toBe(true);
    }
  });

  test('stops those too who hold a slot already', async () => {
    const { gate, clock, ledger } = createShared([{ calls: 1, windowMs: 300 }]);
    const ours = gate();
    await ours.acquire({ place: 'last', mayProbeCircuit: true }, never);
    const waiting = ours.acquire({ place: 'last', mayProbeCircuit: true }, never);
    while (ledger().calls.length < 2) {
      await nextTick();
    }
    const { until } = await ours.throttled(800);
    expect(await waiting).toMatchObject({ kind: 'granted', probe: 'pause' });
    expect(clock.now()).toBeGreaterThanOrEqual(until.getTime());
  });

  test('without a word from the server grows with each 429, until a call succeeds', async () => {
    const { gate, jump, clock } = createShared(plenty);
    const ours = gate(() => 0.999);
    const waits: number[] = [];
    for (let refusal = 0; refusal < 4; refusal += 1) {
      const { until } = await ours.throttled(undefined);
      waits.push(Math.round((until.getTime() - clock.now()) / 200));
      jump(10_000);
    }
    expect(waits).toEqual([1, 2, 4, 8]);
    await ours.succeeded({ kind: 'granted', probe: false, slot: Date.now() });
    const { until } = await ours.throttled(undefined);
    expect(until.getTime() - clock.now()).toBeLessThanOrEqual(200);
  });
});

describe('the circuit', () => {
  const detail = 'Machine.Read.All is missing';

  test('opens for every instance, and costs the one that knows it nothing', async () => {
    const { gate, done } = createShared(plenty, { probeIntervalMs: 5_000 });
    const [ours, theirs] = [gate(), gate()];
    const { until } = await ours.denied({ kind: 'granted', probe: false, slot: Date.now() }, refusal(detail));
    const operations = done.reads + done.writes;
    expect(await Promise.all(ask(ours, 3))).toEqual(new Array(3).fill({ kind: 'denied', until, detail }));
    expect(done.reads + done.writes).toBe(operations);
    expect(await Promise.all(ask(theirs, 3))).toEqual(new Array(3).fill({ kind: 'denied', until, detail }));
    expect(done.writes).toBe(1);
  });

  test('lets one probe of all instances through, later each time, and closes with the first success', async () => {
    const { gate, jump, clock } = createShared(plenty, { probeIntervalMs: 5_000 });
    const gates = [gate(), gate()];
    const [ours] = gates;
    if (ours === undefined) {
      throw new Error('no gate');
    }
    let { until } = await ours.denied({ kind: 'granted', probe: false, slot: Date.now() }, refusal(detail));
    for (const intervalMs of [10_000, 20_000]) {
      jump(until.getTime() - clock.now());
      const admissions = await Promise.all(gates.flatMap((each) => ask(each, 5)));
      expect(kinds(admissions)).toEqual({ granted: 1, denied: 9 });
      expect(admissions).toContainEqual(expect.objectContaining({ kind: 'granted', probe: 'circuit' }));
      ({ until } = await ours.denied(
        { kind: 'granted', probe: 'circuit', slot: Date.now() },
        refusal(detail),
      ));
      expect(Math.abs(until.getTime() - clock.now() - intervalMs)).toBeLessThan(1_000);
    }
    jump(until.getTime() - clock.now());
    const [probe] = await Promise.all(ask(ours, 1));
    if (probe?.kind !== 'granted') {
      throw new Error('no probe was let through');
    }
    await ours.succeeded(probe);
    expect(kinds(await Promise.all(ask(ours, 5)))).toEqual({ granted: 5 });
    jump(20_000);
    expect(kinds(await Promise.all(ask(gate(), 5)))).toEqual({ granted: 5 });
  });

  test('is probed by the first in line who may, and the others are denied until the next probe', async () => {
    const { gate, jump, clock, ledger } = createShared(plenty, { probeIntervalMs: 5_000 });
    const ours = gate();
    const { until } = await ours.denied(undefined, refusal(detail));
    jump(until.getTime() - clock.now());
    const [list, ...lookUps] = await Promise.all([
      ...ask(ours, 1, { place: 'turn', mayProbeCircuit: false }),
      ...ask(ours, 2),
    ]);
    const nextProbe = { kind: 'denied', until: new Date(ledger().circuit?.probeAt ?? 0), detail };
    expect(nextProbe.until.getTime()).toBeGreaterThan(until.getTime());
    expect(list).toEqual(nextProbe);
    expect(lookUps).toEqual([expect.objectContaining({ kind: 'granted', probe: 'circuit' }), nextProbe]);
  });

  test('keeps its probe for a look-up when somebody else comes first', async () => {
    const { gate, jump, clock, done } = createShared(plenty, { probeIntervalMs: 5_000 });
    const ours = gate();
    const { until } = await ours.denied(undefined, refusal(detail));
    jump(until.getTime() - clock.now());
    const { writes } = done;
    const lists = await Promise.all(ask(ours, 3, { place: 'turn', mayProbeCircuit: false }));
    expect(kinds(lists)).toEqual({ denied: 3 });
    expect(done.writes).toBe(writes);
    expect(ours.openCircuit()).toBeUndefined();
    expect(kinds(await Promise.all(ask(ours, 2)))).toEqual({ granted: 1, denied: 1 });
  });

  test('is probed by anybody when no look-up has come for long', async () => {
    const { gate, jump, clock } = createShared(plenty, { probeIntervalMs: 5_000 });
    const ours = gate();
    const { until } = await ours.denied(undefined, refusal(detail));
    jump(until.getTime() - clock.now() + 30 * 60_000);
    const [probe, other] = await Promise.all(ask(ours, 2, { mayProbeCircuit: false }));
    expect([probe, other]).toMatchObject([{ kind: 'granted', probe: 'circuit' }, { kind: 'denied' }]);
    if (probe?.kind === 'granted') {
      await ours.succeeded(probe);
    }
    expect(kinds(await Promise.all(ask(ours, 5)))).toEqual({ granted: 5 });
  });
});

describe('what a process remembers', () => {
  const real: RateLimit[] = [
    { calls: 100, windowMs: 60_000 },
    { calls: 1_500, windowMs: 3_600_000 },
  ];

  test('a 429 in a spent hour stops no process for longer than the rate needs to rise', async () => {
    const { gate, jump, clock } = createShared(real, { inProcessWaitMs: 400 });
    const ours = gate();
    for (let minute = 0; minute < 12; minute += 1) {
      expect(kinds(await Promise.all(ask(ours, 100)))).toEqual({ granted: 100 });
      jump(61_000);
    }
    const { until } = await ours.throttled(1_000);
    jump(until.getTime() - clock.now());
    // 70 % of the hour is less than what is spent: nobody can be served before the rate has risen.
    const begun = Date.now();
    const told = await Promise.all([...ask(ours, 2), ...ask(gate(), 2)]);
    expect(Date.now() - begun).toBeLessThan(2_000);
    expect(kinds(told)).toEqual({ wait: 4 });
    const longest = Math.max(...told.map((answer) => (answer.kind === 'wait' ? answer.until.getTime() : 0)));
    expect(longest - clock.now()).toBeLessThanOrEqual(4 * 60_000);
    jump(longest - clock.now());
    const [probe] = await Promise.all(ask(ours, 1));
    expect(probe).toMatchObject({ kind: 'granted', probe: 'pause' });
  });

  test('whoever cannot be served within the longest wait is answered at once, from memory too', async () => {
    const { gate, jump, done, clock } = createShared(real, { inProcessWaitMs: 1_000 });
    const ours = gate();
    await Promise.all(ask(ours, 100));
    jump(1_000);
    const { until } = await ours.throttled(100);
    jump(until.getTime() - clock.now());
    // The probe has no slot for most of a minute.
    const [first] = await Promise.all(ask(ours, 1));
    expect(first?.kind).toBe('wait');
    const operations = done.reads + done.writes;
    expect(kinds(await Promise.all(ask(ours, 5)))).toEqual({ wait: 5 });
    expect(done.reads + done.writes).toBe(operations);
  });

  test('a circuit that another process has closed is asked about again within half a minute', async () => {
    const { gate, jump, clock } = createShared(plenty, { probeIntervalMs: 600_000 });
    const [ours, theirs] = [gate(), gate()];
    const { until } = await theirs.denied(undefined, refusal('no role'));
    jump(until.getTime() - clock.now());
    const [probe] = await Promise.all(ask(theirs, 1));
    expect(kinds(await Promise.all(ask(ours, 1)))).toEqual({ denied: 1 });
    if (probe?.kind !== 'granted') {
      throw new Error('no probe');
    }
    await theirs.succeeded(probe);
    expect(ours.openCircuit()).toBeDefined();
    jump(30_000);
    expect(ours.openCircuit()).toBeUndefined();
    expect(kinds(await Promise.all(ask(ours, 3)))).toEqual({ granted: 3 });
  });

  test('the first caller after a quiet time is served at once', async () => {
    const { gate, jump } = createShared([{ calls: 5, windowMs: 60_000 }], { inProcessWaitMs: 18_000 });
    const ours = gate();
    expect(kinds(await Promise.all(ask(ours, 6)))).toEqual({ granted: 5, wait: 1 });
    jump(3_600_000);
    const begun = Date.now();
    expect(kinds(await Promise.all(ask(ours, 1)))).toEqual({ granted: 1 });
    expect(Date.now() - begun).toBeLessThan(1_500);
  });
});

test('the probe that is let go is the call that is booked', async () => {
  const { gate, jump, clock, ledger } = createShared(plenty);
  const ours = gate();
  const { until } = await ours.throttled(5_000);
  jump(until.getTime() - clock.now());
  const [probe] = await Promise.all(ask(ours, 1));
  if (probe?.kind !== 'granted') {
    throw new Error('no probe');
  }
  expect(ledger().calls).toEqual([probe.slot]);
  ours.release(probe);
  while (ledger().calls.length > 0) {
    await nextTick();
  }
});

test('a slot that its caller cannot wait for goes back to others', async () => {
  const { gate, ledger } = createShared([{ calls: 1, windowMs: 2_000 }]);
  const ours = gate();
  await Promise.all(ask(ours, 1));
  const deadline = new AbortController();
  const waiting = ours.acquire({ place: 'last', mayProbeCircuit: true }, deadline.signal);
  while (ledger().calls.length < 2) {
    await nextTick();
  }
  deadline.abort();
  expect(await waiting).toMatchObject({ kind: 'wait' });
  while (ledger().calls.length > 1) {
    await nextTick();
  }
});

test('calls that go first redeem no turn: the line keeps its count', async () => {
  const { gate, ledger } = createShared([{ calls: 5, windowMs: 3_600_000 }], { inProcessWaitMs: 400 });
  const ours = gate();
  await Promise.all(ask(ours, 8));
  expect(ledger().waiting).toBe(3);
  await Promise.all(ask(ours, 2, { place: 'first' }));
  expect(ledger().waiting).toBe(5);
  await Promise.all(ask(ours, 1, { place: 'turn' }));
  expect(ledger().waiting).toBe(5);
});

test('no caller waits longer in the process than it may, although those with turns gather', async () => {
  const { gate } = createShared([{ calls: 4, windowMs: 1_500 }], { inProcessWaitMs: 900 });
  const ours = gate();
  const waits: number[] = [];
  const begun = Date.now();
  const asked = [0, 1, 2, 3, 4, 5, 6, 7].flatMap(() => ask(ours, 3, { place: 'turn' }));
  await Promise.all(asked.map(async (answer) => answer.then(() => waits.push(Date.now() - begun))));
  expect(Math.max(...waits)).toBeLessThan(900 + 300);
});

test('timers are never set into the past', async () => {
  const warnings: Error[] = [];
  const note = (warning: Error) => warnings.push(warning);
  process.on('warning', note);
  const { gate, jump } = createShared([{ calls: 1, windowMs: 60_000 }], { inProcessWaitMs: 3_000 });
  const ours = gate();
  await Promise.all(ask(ours, 2));
  jump(120_000);
  await Promise.all(ask(ours, 2));
  await nextTick();
  process.off('warning', note);
  expect(warnings).toEqual([]);
});

test('a slot that was given is not used once the circuit is open', async () => {
  const { gate, ledger } = createShared([{ calls: 1, windowMs: 600 }], { probeIntervalMs: 5_000 });
  const ours = gate();
  await Promise.all(ask(ours, 1));
  const [waiting] = ask(ours, 1);
  while (ledger().calls.length < 2) {
    await nextTick();
  }
  await ours.denied(undefined, refusal('no role'));
  expect(await waiting).toMatchObject({ kind: 'denied', detail: 'no role' });
});
