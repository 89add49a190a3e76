import { expect, test } from 'vitest';
import { checkHealth } from '../../../shared/health/health.ts';
import { circuitProbe } from '../../../shared/health/probes.ts';
import { emptyLedger } from '../../../shared/quota/ledger.ts';

const sound = { name: 'sound', look: async () => ({ isSound: true, detail: 'fine' }) };

test('the app is healthy when all is sound', async () => {
  expect(await checkHealth([sound], 1_000)).toEqual({
    status: 'healthy',
    checks: [{ name: 'sound', status: 'ok', detail: 'fine' }],
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
  const probe = circuitProbe(async () => ({ ...emptyLedger, circuit }));
  expect(await probe.look()).toEqual({
    isSound: false,
    detail: 'open since 1970-01-01T00:00:00.000Z, next probe 1970-01-01T00:01:00.000Z: Grant the role.',
  });
  expect(await circuitProbe(async () => emptyLedger).look()).toMatchObject({ isSound: true });
});
