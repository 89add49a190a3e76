import { describe, expect, test } from 'vitest';
import type { CallGate, Permit, PermitDecision } from '#shared/quota/callGate.ts';
import { createDefenderSource } from '#shared/sources/defender/defenderSource.ts';
import type { Reply } from '#shared/sources/defender/reply.ts';
import type { SourceAnswer } from '#shared/sources/source.ts';

const at = new Date('2026-11-23T12:00:00Z');
const later = new Date('2026-11-23T12:01:00Z');
const granted: Permit = { kind: 'granted', probe: false, slot: 0 };
const probe: Permit = { kind: 'granted', probe: 'circuit', slot: 0 };

const found: Reply = { kind: 'machine', machine: { id: 'machine-1' } };
const notFound: Reply = { kind: 'not_found', detail: 'unknown' };
const unavailable: Reply = { kind: 'unavailable', detail: 'answered 500' };
const unauthorized: Reply = { kind: 'unauthorized', detail: 'answered 401' };
const forbidden: Reply = { kind: 'forbidden', code: 'Forbidden', detail: 'answered 403' };

interface Script {
  /** What the API replies, in order; the last one for ever. */
  replies?: Reply[];
  /** What the gate admits, in order; the last one for ever. */
  admissions?: PermitDecision[];
  tokenFails?: 'at once' | 'when renewed';
  /** Numbered ones when left out. */
  token?: string;
  urgentUntil?: AbortSignal;
  onCall?: () => void;
  retryBaseDelayMs?: number;
}

const outOfTime: PermitDecision = {
  kind: 'wait',
  reason: 'quota',
  until: new Date(0),
  inLine: false,
  detail: 'the time is up',
};

/** The source between a scripted gate, scripted tokens and a scripted API, with a record of what it did to them. */
function sourceWith(script: Script) {
  const { replies = [found], admissions = [granted], tokenFails, onCall, retryBaseDelayMs = 1 } = script;
  const done: string[] = [];
  const next = <T>(list: T[]): T => {
    const [first] = list.length > 1 ? list.splice(0, 1) : list;
    if (first === undefined) {
      throw new Error('the script is empty');
    }
    return first;
  };
  let tokenNumber = 1;
  const gate: CallGate = {
    openCircuit: () => undefined,
    release: () => void done.push('release'),
    waitingSince: () => undefined,
    returned: () => undefined,
    async acquire({ place, mayProbeCircuit }, signal) {
      expect(mayProbeCircuit).toBe(true);
      done.push(place === 'last' ? 'acquire' : `acquire ${place}`);
      return signal.aborted ? outOfTime : next(admissions);
    },
    async succeeded(permit) {
      done.push(permit.probe ? 'probe succeeded' : 'succeeded');
    },
    async throttled(retryAfterMs) {
      done.push(`throttled ${retryAfterMs}`);
      return { until: later };
    },
    async denied(permit) {
      done.push(permit === undefined ? 'denied without a permit' : permit.probe ? 'probe denied' : 'denied');
      return { until: later };
    },
  };
  const source = createDefenderSource({
    client: {
      async machineOfAlert(alertId, token, signal) {
        done.push(`call ${alertId} with ${token}`);
        onCall?.();
        const isCutOff = script.urgentUntil !== undefined && signal.aborted;
        return isCutOff ? { kind: 'interrupted', detail: 'cut off' } : next(replies);
      },
      machines: () => Promise.reject(new Error('not asked here')),
    },
    tokens: {
      async get() {
        if (tokenFails === 'at once') {
          throw new Error('no managed identity\nwith a stack of details');
        }
        return script.token ?? `token-${tokenNumber}`;
      },
      async renew() {
        done.push('renew');
        if (tokenFails === 'when renewed') {
          throw new Error('identity endpoint is down');
        }
        tokenNumber += 1;
        return `token-${tokenNumber}`;
      },
    },
    gate,
    now: () => at,
    random: () => 0.5,
    retryBaseDelayMs,
  });
  const find = (signal = new AbortController().signal): Promise<SourceAnswer> =>
    source.find(
      {
        alertId: 'alert-1',
        inLine: false,
        urgentUntil: script.urgentUntil,
        isReturning: false,
        refresh: false,
        firstSeen: new Date(0),
      },
      signal,
    );
  return { source, done, find };
}

describe('an answer about the alert', () => {
  test('costs one call, and the gate hears that calls go well', async () => {
    const { find, done } = sourceWith({});
    expect(await find()).toEqual({
      kind: 'found',
      source: 'defender',
      machine: { id: 'machine-1' },
      retrievedAt: at,
      unavailable: [],
    });
    expect(done).toEqual(['acquire', 'call alert-1 with token-1', 'succeeded']);
  });

  test.for<[Reply, SourceAnswer]>([
    [notFound, notFound as SourceAnswer],
    [
      { kind: 'rejected', code: 'InvalidInput', message: 'bad', target: 't' },
      { kind: 'rejected', code: 'InvalidInput', message: 'bad', target: 't' },
    ],
  ])('can be that there is none: $0.kind', async ([reply, answer]) => {
    const { find, done } = sourceWith({ replies: [reply] });
    expect(await find()).toEqual(answer);
    expect(done.at(-1)).toBe('succeeded');
  });

  test('is asked for in the line when the submission was promised a turn', async () => {
    const { source, done } = sourceWith({});
    await source.find(
      { alertId: 'alert-1', inLine: true, isReturning: true, refresh: false, firstSeen: new Date(0) },
      new AbortController().signal,
    );
    expect(done[0]).toBe('acquire turn');
  });
});

test('an answer of no use is not asked for again at once', async () => {
  const { find, done } = sourceWith({ replies: [{ kind: 'unusable', detail: 'no machine' }] });
  expect(await find()).toEqual({ kind: 'unusable', detail: 'no machine' });
  expect(done.filter((step) => step.startsWith('call'))).toHaveLength(1);
});

test('a server that asks for time gets it from the deferral', async () => {
  const busy: Reply = { kind: 'unavailable', retryAfterMs: 20_000, detail: 'answered 503' };
  const { find, done } = sourceWith({ replies: [busy] });
  expect(await find()).toEqual(busy);
  expect(done.filter((step) => step.startsWith('call'))).toHaveLength(1);
});

describe('a passing fault', () => {
  test('is tried again twice at once, each time with a permit of its own', async () => {
    const { find, done } = sourceWith({ replies: [unavailable, unavailable, found] });
    expect(await find()).toMatchObject({ kind: 'found' });
    expect(done.filter((step) => step.startsWith('acquire'))).toEqual([
      'acquire',
      'acquire first',
      'acquire first',
    ]);
  });

  test('is given up after that', async () => {
    const { find, done } = sourceWith({ replies: [unavailable] });
    expect(await find()).toEqual(unavailable);
    expect(done.filter((step) => step.startsWith('call'))).toHaveLength(3);
  });

  test('is not tried again when the time to answer has run out', async () => {
    const deadline = new AbortController();
    const { find, done } = sourceWith({ replies: [unavailable], onCall: () => deadline.abort() });
    expect(await find(deadline.signal)).toEqual(unavailable);
    expect(done).toEqual(['acquire', 'call alert-1 with token-1']);
  });

  test('is told where the end of the run cuts the next try off: a source that hangs is unavailable', async () => {
    const deadline = new AbortController();
    let calls = 0;
    const onCall = () => {
      calls += 1;
      if (calls === 2) {
        deadline.abort();
      }
    };
    const interrupted: Reply = { kind: 'interrupted', detail: 'the time of this run was up' };
    const { find } = sourceWith({ replies: [unavailable, interrupted], onCall });
    expect(await find(deadline.signal)).toEqual(unavailable);
    expect(calls).toBe(2);
  });

  test('is not tried again when the time runs out in the pause before', async () => {
    const deadline = new AbortController();
    const onCall = () => void setImmediate(() => deadline.abort());
    const { find, done } = sourceWith({ replies: [unavailable], onCall, retryBaseDelayMs: 10_000_000 });
    expect(await find(deadline.signal)).toEqual(unavailable);
    expect(done).toEqual(['acquire', 'call alert-1 with token-1']);
  });

  test('ends as a wait when the gate closes meanwhile', async () => {
    const wait: PermitDecision = {
      kind: 'wait',
      reason: 'quota',
      until: later,
      inLine: true,
      detail: 'used up',
    };
    const { find } = sourceWith({ replies: [unavailable], admissions: [granted, wait] });
    expect(await find()).toEqual({
      kind: 'wait',
      reason: 'quota',
      until: later,
      inLine: true,
      detail: 'used up',
    });
  });
});

describe('the quota', () => {
  test.each([true, false])('sends the submission back without a call (in line: %s)', async (inLine) => {
    const { find, done } = sourceWith({
      admissions: [{ kind: 'wait', reason: 'quota', until: later, inLine, detail: 'used up' }],
    });
    expect(await find()).toEqual({ kind: 'wait', reason: 'quota', until: later, inLine, detail: 'used up' });
    expect(done).toEqual(['acquire']);
  });

  test.each([8_000, undefined])('is told of a 429 and its wait: %s', async (retryAfterMs) => {
    const { find, done } = sourceWith({
      replies: [{ kind: 'throttled', retryAfterMs, detail: 'answered 429' }],
    });
    expect(await find()).toEqual({
      kind: 'wait',
      reason: 'throttled',
      until: later,
      inLine: false,
      detail: 'answered 429',
    });
    expect(done).toEqual(['acquire', 'call alert-1 with token-1', `throttled ${retryAfterMs}`]);
  });
});

describe('a refusal of the app', () => {
  test('with 401 is answered by one new token', async () => {
    const { find, done } = sourceWith({ replies: [unauthorized, found] });
    expect(await find()).toMatchObject({ kind: 'found' });
    expect(done).toEqual([
      'acquire',
      'call alert-1 with token-1',
      'renew',
      'acquire first',
      'call alert-1 with token-2',
      'succeeded',
    ]);
  });

  test('with 401 for the new token too opens the circuit and is no fault of the alert', async () => {
    const { find, done } = sourceWith({ replies: [unauthorized] });
    expect(await find()).toEqual({
      kind: 'denied',
      until: later,
      detail: expect.stringMatching(/answered 401.*DEFENDER_TOKEN_SCOPE.*licence/),
    });
    expect(done.filter((step) => step === 'renew')).toHaveLength(1);
    expect(done.at(-1)).toBe('denied');
  });

  test('with 403 opens the circuit at once and names the role that is missing', async () => {
    const { find, done } = sourceWith({ replies: [forbidden] });
    expect(await find()).toEqual({
      kind: 'denied',
      until: later,
      detail: expect.stringContaining('Machine.Read.All'),
    });
    expect(done).toEqual(['acquire', 'call alert-1 with token-1', 'denied']);
  });

  describe('with 403 although the token has the role', () => {
    const claims = Buffer.from(
      JSON.stringify({ aud: 'api', roles: ['Machine.Read.All'], iat: 0, exp: 1 }),
    ).toString('base64url');
    const token = `e30.${claims}.x`;
    const disallowed: Reply = { kind: 'forbidden', code: 'DisallowedOperation', detail: 'answered 403' };

    test('is about that alert alone while others are answered', async () => {
      const { source, done } = sourceWith({
        token,
        replies: [disallowed, found, disallowed, found, disallowed],
      });
      const answers: string[] = [];
      for (const alertId of ['bad-1', 'good', 'bad-2', 'good', 'bad-3']) {
        answers.push(
          (
            await source.find(
              { alertId, inLine: false, isReturning: false, refresh: false, firstSeen: new Date(0) },
              new AbortController().signal,
            )
          ).kind,
        );
      }
      expect(answers).toEqual(['forbidden', 'found', 'forbidden', 'found', 'forbidden']);
      expect(done).not.toContain('denied');
    });

    test('is about the app when three alerts in a row are refused', async () => {
      const { source, done } = sourceWith({ token, replies: [disallowed] });
      const answers: string[] = [];
      for (const alertId of ['one', 'one', 'one', 'two', 'three']) {
        answers.push(
          (
            await source.find(
              { alertId, inLine: false, isReturning: false, refresh: false, firstSeen: new Date(0) },
              new AbortController().signal,
            )
          ).kind,
        );
      }
      expect(answers).toEqual(['forbidden', 'forbidden', 'forbidden', 'forbidden', 'denied']);
      expect(done.at(-1)).toBe('denied');
    });

    test('is about the app when Defender speaks of roles', async () => {
      const missing: Reply = { kind: 'forbidden', code: 'Forbidden', detail: 'Missing application roles.' };
      expect(await sourceWith({ token, replies: [missing] }).find()).toMatchObject({ kind: 'denied' });
    });
  });

  test('by an API that is gone opens the circuit, and says what was announced', async () => {
    const { find, done } = sourceWith({ replies: [{ kind: 'retired', detail: 'answered 410' }] });
    expect(await find()).toMatchObject({ kind: 'denied', detail: expect.stringContaining('2027-02-01') });
    expect(done.at(-1)).toBe('denied');
  });

  test('is known to the gate already: no call is made', async () => {
    const denied: PermitDecision = { kind: 'denied', until: later, detail: 'role missing' };
    const { find, done } = sourceWith({ admissions: [denied] });
    expect(await find()).toEqual(denied);
    expect(done).toEqual(['acquire']);
  });

  test('by the identity, which has no token, opens the circuit before a slot is taken', async () => {
    const { find, done } = sourceWith({ tokenFails: 'at once' });
    expect(await find()).toEqual({
      kind: 'denied',
      until: later,
      detail: expect.stringMatching(/^No token.*no managed identity\. Check.*AZURE_CLIENT_ID/),
    });
    expect(done).toEqual(['denied without a permit']);
  });
});

describe('a probe', () => {
  test('goes with a new token, and its success is reported as such', async () => {
    const { find, done } = sourceWith({ admissions: [probe] });
    expect(await find()).toMatchObject({ kind: 'found' });
    expect(done).toEqual(['acquire', 'renew', 'call alert-1 with token-2', 'probe succeeded']);
  });

  test('about an alert that is unknown shows all the same that calls may be made', async () => {
    const { find, done } = sourceWith({ admissions: [probe], replies: [notFound] });
    await find();
    expect(done.at(-1)).toBe('probe succeeded');
  });

  test.for([unauthorized, forbidden])('that is refused ($kind) is reported as such', async (reply) => {
    const { find, done } = sourceWith({ admissions: [probe], replies: [reply] });
    expect(await find()).toMatchObject({ kind: 'denied' });
    expect(done).toEqual(['acquire', 'renew', 'call alert-1 with token-2', 'probe denied']);
  });

  test('without a token is refused before the call', async () => {
    const { find, done } = sourceWith({ admissions: [probe], tokenFails: 'when renewed' });
    expect(await find()).toMatchObject({ kind: 'denied', detail: expect.stringContaining('is down') });
    expect(done).toEqual(['acquire', 'renew', 'release', 'probe denied']);
  });
});

describe("when an urgent caller's time is up", () => {
  test('no slot is waited for any more', async () => {
    const { find, done } = sourceWith({ urgentUntil: AbortSignal.abort() });
    expect(await find()).toEqual(outOfTime);
    expect(done).toEqual(['acquire urgent']);
  });

  test('a call that is under way is finished, because it has cost quota', async () => {
    const callersTime = new AbortController();
    const { find, done } = sourceWith({
      urgentUntil: callersTime.signal,
      onCall: () => callersTime.abort(),
    });
    expect(await find()).toMatchObject({ kind: 'found' });
    expect(done).toEqual(['acquire urgent', 'call alert-1 with token-1', 'succeeded']);
  });
});
