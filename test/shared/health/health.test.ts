import { describe, expect, test } from 'vitest';
import { checkHealth, circuitProbe, clockProbe, gateProbe, pollerProbe } from '#shared/health/health.ts';
import { EMPTY_LEDGER } from '#shared/quota/ledger.ts';

const sound = { name: 'sound', look: async () => ({ status: 'ok' as const, detail: 'fine' }) };

test('the app is healthy when all is sound', async () => {
  expect(await checkHealth([sound], 1_000)).toEqual({
    status: 'healthy',
    ready: true,
    checks: [{ name: 'sound', status: 'ok', detail: 'fine' }],
  });
});

test('a warning leaves it healthy, and not ready', async () => {
  const doubtful = {
    name: 'doubtful',
    look: async () => ({ status: 'warning' as const, detail: 'not known' }),
  };
  expect(await checkHealth([sound, doubtful], 1_000)).toMatchObject({
    status: 'healthy',
    ready: false,
    checks: [{ status: 'ok' }, { name: 'doubtful', status: 'warning', detail: 'not known' }],
  });
});

test('a clock that is minutes off is told of', async () => {
  expect(await clockProbe(() => 0).look()).toEqual({
    status: 'ok',
    detail: "agrees with the storage service's",
  });
  expect(await clockProbe(() => -400_000).look()).toEqual({
    status: 'failed',
    detail: "the storage service's clock is 400 s behind the app's",
  });
});

test('it is unhealthy when one thing cannot be looked at, or takes too long', async () => {
  const error = Object.assign(new Error('https://account/?sig=secret'), {
    name: 'RestError',
    statusCode: 403,
  });
  const probes = [
    { name: 'refused', look: () => Promise.reject(error) },
    { name: 'stuck', look: () => new Promise<never>(() => undefined) },
    { name: 'broken', look: () => Promise.reject(new Error('The quota ledger cannot be read.')) },
  ];
  expect(await checkHealth([sound, ...probes], 10)).toEqual({
    status: 'unhealthy',
    ready: false,
    checks: [
      { name: 'sound', status: 'ok', detail: 'fine' },
      { name: 'refused', status: 'failed', detail: 'the storage service answers 403' },
      { name: 'stuck', status: 'failed', detail: 'no answer within 0.01 s' },
      { name: 'broken', status: 'failed', detail: 'The quota ledger cannot be read.' },
    ],
  });
});

test('an open circuit says since when, why, and when it is tried again', async () => {
  const circuit = {
    openedAt: 0,
    refusedAt: 0,
    probeAt: 60_000,
    failures: 1,
    cause: 'forbidden' as const,
    detail: 'Grant the role.',
  };
  const probe = circuitProbe(async () => ({ ...EMPTY_LEDGER, circuit }));
  expect(await probe.look()).toEqual({
    status: 'failed',
    detail: 'open since 1970-01-01T00:00:00.000Z, next probe 1970-01-01T00:01:00.000Z: Grant the role.',
  });
  expect(await circuitProbe(async () => EMPTY_LEDGER).look()).toMatchObject({ status: 'ok' });
});

describe('the poller', () => {
  const START = Date.parse('2026-11-23T12:00:00Z');
  const MINUTE_MS = 60_000;
  const look = (lastPass: number | undefined, now: number) => {
    const read = async () => (lastPass === undefined ? undefined : new Date(lastPass));
    return pollerProbe(
      read,
      () => 5 * MINUTE_MS,
      new Date(START),
      () => now,
    ).look();
  };

  test('is sound while a pass came to its end within three intervals', async () => {
    const later = START + 3_600_000;
    expect(await look(later - 15 * MINUTE_MS, later)).toEqual({
      status: 'ok',
      detail: 'last complete pass 2026-11-23T12:45:00.000Z',
    });
    expect(await look(later - 15 * MINUTE_MS - 1, later)).toMatchObject({
      status: 'failed',
      detail: expect.stringContaining('the timer does not run, or its passes fail'),
    });
  });

  test('has as long after a start to make its first pass', async () => {
    expect(await look(undefined, START + 15 * MINUTE_MS)).toMatchObject({ status: 'ok' });
    expect(await look(undefined, START + 16 * MINUTE_MS)).toMatchObject({ status: 'failed' });
  });
});

describe('the gate', () => {
  test('is unsound while somebody waits in it for longer than it ever takes', async () => {
    expect(
      await gateProbe(
        () => undefined,
        () => 1_000_000,
      ).look(),
    ).toMatchObject({ status: 'ok' });
    expect(
      await gateProbe(
        () => 910_000,
        () => 1_000_000,
      ).look(),
    ).toMatchObject({ status: 'ok' });
    expect(
      await gateProbe(
        () => 900_000,
        () => 1_000_000,
      ).look(),
    ).toMatchObject({
      status: 'failed',
      detail: 'a look-up has waited 100 s for its turn in this process',
    });
  });
});
