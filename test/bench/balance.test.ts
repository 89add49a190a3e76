import { describe, expect, test } from 'vitest';
import { type Books, balance, type Run } from '#bench/chaos/balance.ts';
import type { CallRecord } from '#dev/simulator/callLog.ts';

function messageOf(submissionId: string, outcome: 'enriched' | 'failed' = 'enriched', alertId = 'alert') {
  return { submissionId, alertId, outcome };
}

function callAt(time: number, fault: string | null = null): CallRecord {
  return {
    time,
    alertId: 'alert',
    fault,
    route: 'alertMachine',
    appId: null,
    tenantId: null,
    owners: [],
    status: 200,
    counted: true,
  };
}

function runOf(startedAt: number, endedAt: number, changes: Partial<Run> = {}): Run {
  const run = { alertId: 'alert', submissionId: 'one', result: 'enriched', hasCalled: true };
  return { ...run, startedAt, endedAt, ...changes };
}

/** One submission of one alert, which came out as it should. */
const inOrder: Books = {
  submitted: new Map([['one', 'alert']]),
  messages: [messageOf('one')],
  devices: new Map([['alert', 'machine']]),
  rows: [{ alertId: 'alert', isClaimed: false }],
  calls: [callAt(1_000)],
  runs: [runOf(990, 1_100)],
};
const nothingExtra = { ofTheDead: 0, unexplained: 0 };

test('books in order balance', () => {
  expect(balance(inOrder)).toEqual({
    submissions: 1,
    alerts: 1,
    outcomes: { enriched: 1 },
    lost: 0,
    contradicted: 0,
    unknown: 0,
    wrongDevices: 0,
    rows: 1,
    rowsTooMany: 0,
    rowsMissing: 0,
    claimsLeft: 0,
    copies: nothingExtra,
    calls: 1,
    extraCalls: { spoiled: 0, ...nothingExtra },
  });
});

test('a submission without a message is lost, one with two outcomes contradicted, a stranger unknown', () => {
  const submitted = new Map([
    ['one', 'alert'],
    ['two', 'alert'],
  ]);
  const messages = [messageOf('one'), messageOf('one', 'failed'), messageOf('three')];
  expect(balance({ ...inOrder, submitted, messages })).toMatchObject({
    lost: 1,
    contradicted: 1,
    unknown: 1,
    outcomes: { enriched: 1, failed: 1 },
  });
});

test("a device that is not the alert's is wrong, and none is not", () => {
  const devicesOf = (...deviceIds: (string | undefined)[]) =>
    balance({ ...inOrder, messages: deviceIds.map((deviceId) => ({ ...messageOf('one'), deviceId })) });
  expect(devicesOf('machine', undefined).wrongDevices).toBe(0);
  expect(devicesOf('machine', 'other').wrongDevices).toBe(1);
});

test('calls for lists are extra calls of no alert', () => {
  const lists = [1, 2, 3].map((time) => ({ ...callAt(time), alertId: null, route: 'machines' as const }));
  expect(balance({ ...inOrder, calls: [...inOrder.calls, ...lists] })).toMatchObject({
    calls: 4,
    extraCalls: { spoiled: 0, ...nothingExtra },
  });
});

test('rows are as many as alerts', () => {
  expect(balance({ ...inOrder, rows: [] })).toMatchObject({ rowsMissing: 1, rowsTooMany: 0 });
  const rows = [...inOrder.rows, { alertId: 'stranger', isClaimed: true }];
  expect(balance({ ...inOrder, rows })).toMatchObject({ rowsMissing: 0, rowsTooMany: 1, claimsLeft: 1 });
});

describe('a second message', () => {
  const messages = [messageOf('one'), messageOf('one')];

  test('is explained by the death of the first sender, who reported nothing', () => {
    expect(balance({ ...inOrder, messages }).copies).toEqual({ ofTheDead: 1, unexplained: 0 });
  });

  test('is not explained when both senders lived', () => {
    const runs = [runOf(990, 1_100), runOf(2_000, 2_100)];
    expect(balance({ ...inOrder, messages, runs }).copies).toEqual({ ofTheDead: 0, unexplained: 1 });
  });
});

describe('a second call', () => {
  test('is explained by a spoiled answer', () => {
    const calls = [callAt(1_000, 'http-500'), callAt(1_050)];
    expect(balance({ ...inOrder, calls }).extraCalls).toEqual({ spoiled: 1, ...nothingExtra });
  });

  test('is explained by a death when no run that lived was asking then', () => {
    const calls = [callAt(500), callAt(1_000)];
    const runs = [runOf(490, 510, { hasCalled: false, result: 'deferred' }), runOf(990, 1_100)];
    expect(balance({ ...inOrder, calls, runs }).extraCalls).toEqual({
      spoiled: 0,
      ofTheDead: 1,
      unexplained: 0,
    });
  });

  test('is not explained when both askers lived', () => {
    const calls = [callAt(1_000), callAt(1_050)];
    const runs = [runOf(990, 1_100), runOf(1_040, 1_200, { submissionId: 'two' })];
    expect(balance({ ...inOrder, calls, runs }).extraCalls).toEqual({
      spoiled: 0,
      ofTheDead: 0,
      unexplained: 1,
    });
  });
});
