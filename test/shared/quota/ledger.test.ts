import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Probe } from '#shared/quota/callGate.ts';
import { book } from '#shared/quota/feedback.ts';
import {
  type Ask,
  ask,
  EMPTY_LEDGER,
  type Grant,
  type Ledger,
  type LedgerRules,
} from '#shared/quota/ledger.ts';

const rules: LedgerRules = {
  limits: [
    { calls: 100, windowMs: 60_000 },
    { calls: 1_500, windowMs: 3_600_000 },
  ],
  share: 1,
  inProcessWaitMs: 20_000,
  probeIntervalMs: 5_000,
};
const START = 1_000_000_000;

function asked(ledger: Ledger, request: Partial<Ask>, now: number) {
  const answer = ask(
    ledger,
    rules,
    { returning: 0, first: 0, urgent: 0, fresh: 0, patienceMs: 20_000, mayProbeCircuit: 0, ...request },
    now,
  );
  if (answer.grant.kind !== 'slots') {
    throw new Error(`expected slots, got ${answer.grant.kind}`);
  }
  return { ledger: answer.ledger, ...answer.grant };
}

function grantOf(ledger: Ledger, now: number): Grant {
  return ask(
    ledger,
    rules,
    { returning: 0, first: 0, urgent: 0, fresh: 1, patienceMs: 20_000, mayProbeCircuit: 1 },
    now,
  ).grant;
}

function throttle(ledger: Ledger, by: LedgerRules, until: number, at: number): Ledger {
  return book(ledger, by, [{ kind: 'throttled', until, at }]);
}

function openCircuit(
  ledger: Ledger,
  by: LedgerRules,
  { probe, detail }: { probe: boolean; detail: string },
  at: number,
): Ledger {
  return book(ledger, by, [{ kind: 'denied', isProbe: probe, cause: 'forbidden', detail, at }]);
}

/** A probe succeeds whose call was made after all that the ledger knows of. */
function resume(ledger: Ledger, probe: Probe, slot = Number.POSITIVE_INFINITY): Ledger {
  return book(ledger, rules, [{ kind: 'succeeded', probe, slot }]);
}

/** When the calls of alerts are made that come at these times, if 96 at a time find a worker. */
function callsFor(arrivals: readonly { id: number; at: number; isUrgent?: boolean }[], forMs: number) {
  const queue = arrivals.map(({ id, at, isUrgent = false }) => ({
    id,
    at,
    place: isUrgent ? ('urgent' as const) : ('fresh' as const),
  })) as { id: number; at: number; place: 'returning' | 'urgent' | 'fresh' }[];
  const calls: { id: number; at: number }[] = [];
  let ledger = EMPTY_LEDGER;
  for (let now = START; now < START + forMs && queue.length > 0; now += 1_000) {
    const seen = queue.filter(({ at }) => at <= now);
    // Urgent ones are worked on where they are handed in: they need no worker of the queue.
    const due = [
      ...seen.filter(({ place }) => place !== 'urgent').slice(0, 96),
      ...seen.filter(({ place }) => place === 'urgent'),
    ];
    const of = (place: 'returning' | 'urgent' | 'fresh') => due.filter((entry) => entry.place === place);
    const ordered = [...of('returning'), ...of('urgent'), ...of('fresh')];
    if (ordered.length === 0) {
      continue;
    }
    const request = {
      returning: of('returning').length,
      urgent: of('urgent').length,
      fresh: of('fresh').length,
    };
    const answer = asked(ledger, request, now);
    ledger = answer.ledger;
    ordered.forEach((entry, index) => {
      queue.splice(queue.indexOf(entry), 1);
      const slot = answer.slots[index];
      if (slot !== undefined) {
        calls.push({ id: entry.id, at: slot });
      } else {
        const at = answer.turns[index - answer.slots.length] ?? now;
        queue.push({ id: entry.id, at, place: 'returning' });
      }
    });
    queue.sort((left, right) => left.at - right.at);
  }
  return calls;
}

describe('the line for quota', () => {
  test('lets everybody call at once while the quota lasts', () => {
    const { slots, turns } = asked(EMPTY_LEDGER, { fresh: 100 }, START);
    expect(slots).toEqual(Array.from({ length: 100 }, () => START));
    expect(turns).toEqual([]);
  });

  test('promises turns in time with the limits when the minute is used up', () => {
    const { ledger } = asked(EMPTY_LEDGER, { fresh: 100 }, START);
    const { slots, turns } = asked(ledger, { fresh: 150 }, START + 1_000);
    expect(slots).toEqual([]);
    expect(turns).toHaveLength(150);
    // A minute with its margin of 600 ms, 6.3 seconds early, ten at a time over a third of the minute.
    expect(turns[0]).toBe(START + 54_266);
    expect(turns.filter((turn) => turn === START + 54_266)).toHaveLength(10);
    expect(turns[99]).toBeGreaterThan(START + 71_300);
    expect(turns[99]).toBeLessThan(START + 74_300);
    expect(turns[100]).toBe(START + 114_866);
  });

  test('keeps a slot that is near for whoever can wait for it in the worker', () => {
    const { ledger } = asked(EMPTY_LEDGER, { fresh: 100 }, START);
    const { slots, turns } = asked(ledger, { fresh: 3 }, START + 45_000);
    expect(slots).toEqual([START + 60_600, START + 60_600, START + 60_600]);
    expect(turns).toEqual([]);
  });

  test('sends the new to the end of the line and lets those in line go first', () => {
    let { ledger } = asked(EMPTY_LEDGER, { fresh: 100 }, START);
    ({ ledger } = asked(ledger, { fresh: 150 }, START + 1_000));
    // Five seconds before the next hundred slots: some come back for them, and new ones arrive.
    const { slots, turns } = asked(ledger, { returning: 20, fresh: 30 }, START + 56_000);
    expect(slots).toHaveLength(20);
    expect(turns).toHaveLength(30);
    expect(Math.min(...turns)).toBeGreaterThanOrEqual(START + 114_000);
  });

  test('gives a slot that nobody in line has claimed to whoever is there', () => {
    let { ledger } = asked(EMPTY_LEDGER, { fresh: 100 }, START);
    ({ ledger } = asked(ledger, { fresh: 150 }, START + 1_000));
    // Nobody came back for the slots of the second minute: the workers that held them are gone.
    const { slots } = asked(ledger, { fresh: 10 }, START + 61_000 + 7_000);
    expect(slots).toHaveLength(10);
  });

  test('gives what nobody in line has claimed at the pace of the line, however often it is asked for', () => {
    let { ledger } = asked(EMPTY_LEDGER, { fresh: 100 }, START);
    ({ ledger } = asked(ledger, { fresh: 150 }, START + 1_000));
    // The holders of turns are late: their messages stand behind those of many new alerts.
    const slots: number[] = [];
    for (let now = START + 70_000; now < START + 80_000; now += 1_000) {
      const answer = asked(ledger, { fresh: 20 }, now);
      slots.push(...answer.slots);
      ({ ledger } = answer);
    }
    const since = slots.filter((slot) => slot < START + 80_000);
    // Ten at a time, five times as fast as the limit of a minute.
    expect(since.length).toBeGreaterThanOrEqual(40);
    expect(since.length).toBeLessThanOrEqual(50);
  });

  test('promises those who come back too early the next slots, one after the other', () => {
    let { ledger } = asked(EMPTY_LEDGER, { fresh: 100 }, START);
    ({ ledger } = asked(ledger, { fresh: 300 }, START + 1_000));
    const first = asked(ledger, { returning: 100 }, START + 2_000);
    const second = asked(first.ledger, { returning: 100 }, START + 2_500);
    expect(first.turns[0]).toBe(START + 54_266);
    expect(first.turns[99]).toBeLessThan(START + 74_300);
    expect(second.turns[0]).toBe(START + 114_866);
  });

  test('forgets the line when the last turn is long past', () => {
    let { ledger } = asked(EMPTY_LEDGER, { fresh: 100 }, START);
    ({ ledger } = asked(ledger, { fresh: 50 }, START + 1_000));
    const later = asked(ledger, { fresh: 60 }, START + 3_600_000);
    expect(later.slots).toHaveLength(60);
    expect(later.ledger.waiting).toBe(0);
  });

  test('drains a backlog at the full rate, in order, however it is mixed with new alerts', () => {
    // A model of the whole: 2,000 alerts at once, then a new one every two seconds for two hours.
    const calls = callsFor(
      Array.from({ length: 5_600 }, (_, id) => ({ id, at: START + Math.max(0, id - 2_000) * 2_000 })),
      3 * 3_600_000,
    );
    const times = calls.map(({ at }) => at).sort((left, right) => left - right);
    for (const { calls: most, windowMs } of rules.limits) {
      times.forEach((time, index) => {
        const beyond = times[index + most];
        if (beyond !== undefined) {
          expect(beyond - time).toBeGreaterThan(windowMs);
        }
      });
    }
    // Three hours hold 1,500 calls each, and all of them are spent.
    expect(times.filter((time) => time < START + 3_600_000 * 3).length).toBeGreaterThanOrEqual(4_480);
    // Nobody starves: those of the backlog are all done, and so are the new ones of the first hour and more.
    const done = new Set(calls.map(({ id }) => id));
    for (let id = 0; id < 4_300; id += 1) {
      expect(done.has(id)).toBe(true);
    }
  });
});

describe('urgent calls', () => {
  /** A line of thousands, all of whom were promised turns. */
  const { ledger: line } = asked(EMPTY_LEDGER, { fresh: 10_000 }, START);

  test('go before a line of thousands', () => {
    const { slots, turns } = asked(line, { urgent: 10, fresh: 5 }, START + 62_000);
    expect([slots.length, turns.length]).toEqual([10, 5]);
    expect(Math.max(...slots)).toBeLessThan(START + 62_000 + 5_000);
  });

  test('are promised the next slots when none is near, not the end of the line', () => {
    const { turns } = asked(line, { urgent: 2, patienceMs: 0 }, START + 30_000);
    expect(turns).toHaveLength(2);
    expect(Math.max(...turns)).toBeLessThan(START + 65_000);
  });

  test('have a fifth of each limit; further ones go to the end of the line', () => {
    const at = START + 62_000;
    const first = asked(line, { urgent: 15 }, at);
    const second = asked(first.ledger, { urgent: 15 }, at + 2_500);
    expect([first.slots.length, second.slots.length]).toEqual([15, 5]);
    expect(Math.min(...second.turns)).toBeGreaterThan(START + 3 * 3_600_000);
    const minuteLater = asked(second.ledger, { urgent: 15 }, at + 75_000);
    expect(minuteLater.slots).toHaveLength(15);
  });

  test('are not limited while nobody is in line', () => {
    expect(asked(EMPTY_LEDGER, { urgent: 60 }, START).slots).toHaveLength(60);
    expect(asked(EMPTY_LEDGER, { urgent: 60 }, START).ledger.urgent).toEqual([]);
  });

  test('delay those in line by no more than the calls they take, however many there are', () => {
    const backlog = Array.from({ length: 1_400 }, (_, id) => ({ id, at: START }));
    // One each second: more than may go before the line.
    const urgent = Array.from({ length: 900 }, (_, id) => ({
      id: 10_000 + id,
      at: START + 1_000 + id * 1_000,
      isUrgent: true,
    }));
    const calls = callsFor([...backlog, ...urgent], 2 * 3_600_000);
    const ends = (some: readonly { id: number; at: number }[]) =>
      Math.max(...some.filter(({ id }) => id < 10_000).map(({ at }) => at));
    const end = ends(calls);
    const passed = calls.filter(({ id, at }) => id >= 10_000 && at < end).length;
    const perMinute = (from: number) =>
      calls.filter(({ id, at }) => id >= 10_000 && at >= from && at < from + 60_000 && at < end).length;
    expect(passed).toBeGreaterThan(50);
    expect(
      Math.max(...Array.from({ length: 14 }, (_, minute) => perMinute(START + minute * 60_000))),
    ).toBeLessThanOrEqual(20);
    // As if the line had been longer by those calls from the beginning.
    const longer = Array.from({ length: 1_400 + passed }, (_, id) => ({ id, at: START }));
    expect(end).toBeLessThanOrEqual(ends(callsFor(longer, 2 * 3_600_000)) + 10_000);
  });
});

test('books calls when they were made, and forgets those that never were', () => {
  const { ledger } = asked(EMPTY_LEDGER, { fresh: 100 }, START);
  const { calls } = book(ledger, rules, [
    { kind: 'moved', slot: START, calledAt: START + 3_000 },
    { kind: 'unused', slot: START },
    // Not known any more: booked all the same.
    { kind: 'moved', slot: START - 1, calledAt: START + 4_000 },
  ]);
  expect(calls).toEqual([...Array.from({ length: 98 }, () => START), START + 3_000, START + 4_000]);
});

describe('feedback', () => {
  test('pauses everybody until the server’s time, then lets one probe go first', () => {
    const paused = throttle(EMPTY_LEDGER, rules, START + 8_000, START);
    expect(grantOf(paused, START + 1_000)).toEqual({ kind: 'paused', probe: null, retryAt: START + 8_000 });
    const { ledger, grant } = ask(
      paused,
      rules,
      { returning: 2, first: 0, urgent: 0, fresh: 3, patienceMs: 20_000, mayProbeCircuit: 0 },
      START + 8_000,
    );
    expect(grant).toEqual({ kind: 'paused', probe: START + 8_000, retryAt: START + 13_000 });
    expect(grantOf(ledger, START + 8_001)).toMatchObject({ kind: 'paused', probe: null });
    expect(grantOf(resume(ledger, 'pause'), START + 8_500)).toMatchObject({ kind: 'slots' });
  });

  test('lets another probe go when the first one never answered', () => {
    const paused = throttle(EMPTY_LEDGER, rules, START, START);
    const { ledger } = ask(
      paused,
      rules,
      { returning: 0, first: 0, urgent: 0, fresh: 1, patienceMs: 20_000, mayProbeCircuit: 0 },
      START,
    );
    expect(grantOf(ledger, START + 5_000)).toMatchObject({ kind: 'paused', probe: START + 5_000 });
  });

  test('promises turns after a long pause instead of keeping workers waiting', () => {
    const paused = throttle(EMPTY_LEDGER, rules, START + 3_000_000, START);
    const { grant } = ask(
      paused,
      rules,
      { returning: 1, first: 0, urgent: 0, fresh: 1, patienceMs: 20_000, mayProbeCircuit: 0 },
      START + 1,
    );
    expect(grant).toMatchObject({ kind: 'slots', slots: [] });
    expect(grant.kind === 'slots' && grant.turns.every((turn) => turn >= START + 2_990_000)).toBe(true);
  });

  test('lowers the rate with each 429, spaces the calls, and restores it with time', () => {
    const once = resume(throttle(EMPTY_LEDGER, rules, START, START), 'pause');
    const lowered = asked(once, { fresh: 200 }, START + 1_000);
    // 70 of 100 a minute, evenly spaced: 857 ms apart, so 24 of them fit into the wait in the worker.
    expect(lowered.slots.length).toBeLessThan(30);
    expect(new Set(lowered.slots).size).toBe(lowered.slots.length);
    const restored = asked(once, { fresh: 200 }, START + 6 * 60_000);
    expect(restored.slots).toHaveLength(100);
  });

  test('never lowers the rate to nothing', () => {
    let ledger = EMPTY_LEDGER;
    for (let strike = 0; strike < 100; strike += 1) {
      ledger = throttle(ledger, rules, 0, START + strike * 20_000);
    }
    expect(asked(resume(ledger, 'pause'), { fresh: 1 }, START + 100 * 20_000).slots).toHaveLength(1);
  });
});

describe('the circuit', () => {
  const refusal = { probe: false, detail: 'Machine.Read.All is missing' };

  test('opens for everybody and says why', () => {
    const open = openCircuit(EMPTY_LEDGER, rules, refusal, START);
    expect(grantOf(open, START + 1)).toEqual({
      kind: 'open',
      probe: null,
      retryAt: START + 5_000,
      detail: 'Machine.Read.All is missing',
    });
  });

  test('lets one probe through at a time, at growing intervals up to a quarter of an hour', () => {
    let ledger = openCircuit(EMPTY_LEDGER, rules, refusal, START);
    const intervals: number[] = [];
    let now = START + 5_000;
    for (let probe = 0; probe < 10; probe += 1) {
      const answer = ask(
        ledger,
        rules,
        { returning: 5, first: 0, urgent: 0, fresh: 5, patienceMs: 20_000, mayProbeCircuit: 1 },
        now,
      );
      expect(answer.grant).toMatchObject({ kind: 'open', probe: now });
      expect(grantOf(answer.ledger, now + 1)).toMatchObject({ kind: 'open', probe: null });
      ledger = openCircuit(answer.ledger, rules, { ...refusal, probe: true }, now + 100);
      const next = ledger.circuit?.probeAt ?? 0;
      intervals.push(next - now - 100);
      now = next;
    }
    expect(intervals.slice(0, 4)).toEqual([10_000, 20_000, 40_000, 80_000]);
    expect(intervals.at(-1)).toBe(900_000);
  });

  test('is not prolonged by calls that were under way when it opened', () => {
    const open = openCircuit(EMPTY_LEDGER, rules, refusal, START);
    expect(openCircuit(open, rules, refusal, START + 50)).toBe(open);
  });

  describe('when a probe is due', () => {
    const open = openCircuit(EMPTY_LEDGER, rules, refusal, START);
    const lists = { returning: 2, first: 0, urgent: 0, fresh: 0, patienceMs: 20_000, mayProbeCircuit: 0 };

    test('keeps it for whoever may probe', () => {
      const { ledger, grant } = ask(open, rules, lists, START + 6_000);
      expect(ledger).toBe(open);
      expect(grant).toMatchObject({ kind: 'open', probe: null, retryAt: START + 6_000 });
      const { grant: mixed } = ask(open, rules, { ...lists, mayProbeCircuit: 1 }, START + 6_000);
      expect(mixed).toMatchObject({ kind: 'open', probe: START + 6_000, retryAt: START + 16_000 });
    });

    test('gives it to anybody when none of them has come within half an hour', () => {
      const halfAnHour = START + 5_000 + 30 * 60_000;
      expect(ask(open, rules, lists, halfAnHour - 1).grant).toMatchObject({ kind: 'open', probe: null });
      expect(ask(open, rules, lists, halfAnHour).grant).toMatchObject({
        kind: 'open',
        probe: halfAnHour,
      });
    });

    test('keeps it until a pause is over too', () => {
      const paused = throttle(open, rules, START + 60_000, START + 1_000);
      expect(grantOf(paused, START + 59_000)).toMatchObject({ probe: null, retryAt: START + 60_000 });
      expect(grantOf(paused, START + 60_000)).toMatchObject({ kind: 'open', probe: START + 60_000 });
    });
  });

  test('stays open when only a pause is over', () => {
    const open = openCircuit(throttle(EMPTY_LEDGER, rules, START, START), rules, refusal, START);
    expect(resume(open, 'pause')).toMatchObject({ pause: null, circuit: { failures: 1 } });
    expect(resume(open, 'circuit')).toMatchObject({ pause: null, circuit: null });
  });

  test('closes for everybody with the first success', () => {
    const open = openCircuit(EMPTY_LEDGER, rules, refusal, START);
    expect(grantOf(resume(open, 'circuit'), START + 100)).toMatchObject({
      kind: 'slots',
      slots: [START + 100],
    });
  });
});

test('whatever happens, no window of any limit holds more than its calls', () => {
  const step = fc.record({
    gap: fc.integer({ min: 0, max: 4_000 }),
    returning: fc.integer({ min: 0, max: 8 }),
    first: fc.integer({ min: 0, max: 3 }),
    urgent: fc.integer({ min: 0, max: 3 }),
    fresh: fc.integer({ min: 0, max: 8 }),
    patienceMs: fc.integer({ min: 0, max: 2_000 }),
    mayProbeCircuit: fc.integer({ min: 0, max: 2 }),
    event: fc.constantFrom('none', 'none', 'none', 'throttle', 'deny', 'pause', 'circuit'),
  });
  const small: LedgerRules = {
    limits: [
      { calls: 5, windowMs: 3_000 },
      { calls: 20, windowMs: 30_000 },
    ],
    share: 1,
    inProcessWaitMs: 2_000,
    probeIntervalMs: 500,
  };
  fc.assert(
    fc.property(fc.array(step, { maxLength: 150 }), (steps) => {
      let ledger = EMPTY_LEDGER;
      let now = START;
      const calls: number[] = [];
      for (const { gap, event, ...request } of steps) {
        now += gap;
        const answer = ask(ledger, small, request, now);
        ledger = answer.ledger;
        const { grant } = answer;
        if (grant.kind === 'slots') {
          calls.push(...grant.slots);
          expect(grant.slots.length + grant.turns.length).toBe(
            request.returning + request.first + request.urgent + request.fresh,
          );
        } else if (grant.probe !== null) {
          calls.push(grant.probe);
        }
        if (event === 'throttle') {
          ledger = throttle(ledger, small, now + 1_000, now);
        }
        if (event === 'deny') {
          ledger = openCircuit(ledger, small, { probe: true, detail: '' }, now);
        }
        if (event === 'pause' || event === 'circuit') {
          ledger = resume(ledger, event);
        }
      }
      calls.sort((left, right) => left - right);
      for (const { calls: most, windowMs } of small.limits) {
        calls.forEach((time, index) => {
          const beyond = calls[index + most];
          if (beyond !== undefined) {
            expect(beyond - time).toBeGreaterThan(windowMs);
          }
        });
      }
    }),
  );
});

describe('feedback that comes late', () => {
  test('a success of a call from before a 429 does not end the pause', () => {
    const paused = throttle(EMPTY_LEDGER, rules, START + 60_000, START + 500);
    expect(resume(paused, 'pause', START)).toBe(paused);
    expect(resume(paused, 'circuit', START)).toBe(paused);
    expect(resume(paused, 'pause', START + 60_000).pause).toBeNull();
  });

  test('a success of a call from before a refusal does not close the circuit', () => {
    const refusal = { probe: true, detail: 'no role' };
    const open = openCircuit(EMPTY_LEDGER, rules, refusal, START + 500);
    expect(resume(open, 'circuit', START)).toBe(open);
    expect(resume(open, 'circuit', START + 500).circuit).toBeNull();
  });

  test('a later 429 never makes a pause shorter', () => {
    const long = throttle(EMPTY_LEDGER, rules, START + 60_000, START);
    expect(throttle(long, rules, START + 2_000, START + 1_000).pause?.until).toBe(START + 60_000);
  });
});

describe('the rate', () => {
  const slotsAt = (ledger: Ledger, now: number) => asked(resume(ledger, 'pause'), { fresh: 200 }, now).slots;
  const strikes = (...times: number[]) =>
    times.reduce((ledger, at) => throttle(ledger, rules, 0, at), EMPTY_LEDGER);

  test('has its floor at a quarter: 25 calls a minute, one each 2.4 s', () => {
    const lowest = strikes(...Array.from({ length: 30 }, (_, index) => START + index * 20_000));
    const [first = 0, second = 0] = slotsAt(lowest, START + 30 * 20_000 - 19_999);
    expect(second - first).toBeGreaterThanOrEqual(2_300);
    expect(second - first).toBeLessThanOrEqual(2_500);
  });

  test('rises by a tenth of the full rate in each minute, and is whole after three', () => {
    const once = strikes(START);
    expect(slotsAt(once, START + 2.9 * 60_000).length).toBeLessThan(40);
    expect(slotsAt(once, START + 3.01 * 60_000)).toHaveLength(100);
  });

  test('is lowered twice by two 429s that are half a minute apart, once by two of one moment', () => {
    const rateAfter = (...times: number[]) => strikes(...times).strike?.rate ?? 1;
    expect(rateAfter(START, START + 1_000)).toBeCloseTo(0.7);
    expect(rateAfter(START, START + 30_000)).toBeLessThan(0.6);
  });

  test('keeps to the share of the quota', () => {
    const half = { ...rules, share: 0.5 };
    const { grant } = ask(
      EMPTY_LEDGER,
      half,
      { returning: 0, first: 0, urgent: 0, fresh: 80, patienceMs: 20_000, mayProbeCircuit: 0 },
      START,
    );
    expect(grant.kind === 'slots' && grant.slots.filter((slot) => slot === START)).toHaveLength(50);
  });
});

test('turns that were promised for times past are forgotten', () => {
  let { ledger } = asked(EMPTY_LEDGER, { fresh: 100 }, START);
  ({ ledger } = asked(ledger, { fresh: 120 }, START + 1_000));
  ({ ledger } = asked(ledger, { returning: 60 }, START + 2_000));
  expect(ledger.displaced).toHaveLength(60);
  ({ ledger } = asked(ledger, { fresh: 1 }, START + 130_000));
  expect(ledger.displaced).toEqual([]);
});
