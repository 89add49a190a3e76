import got from 'got';
import { expect, test } from 'vitest';
import { type FaultInput, type FaultKind, faultKinds } from '#dev/simulator/faults.ts';
import type { RunningSimulator } from '#dev/simulator/simulator.ts';
import { callApi, machinePath, startForTest, tokenOf } from './simulatorFixture.ts';

/** A simulator whose first alert is answered with these faults, and calls about that alert. */
async function startFaulty(answers: (FaultInput | 'ok')[], forever = false) {
  const simulator = await startForTest();
  const [alertId = ''] = simulator.control.alertIds(1);
  simulator.control.scriptFaults({ alertId, answers, forever });
  const token = await tokenOf(simulator);
  const path = machinePath(simulator);
  return {
    simulator,
    call: (signal?: AbortSignal) =>
      callApi(simulator, path, signal === undefined ? { token } : { token, signal }),
    gotCall: (options: GotCallOptions = {}) => gotCall(simulator, path, token, options),
  };
}

interface GotCallOptions {
  decompress?: boolean;
  timeoutMs?: number;
}

/** A call without retries of its own. */
function gotCall(
  simulator: RunningSimulator,
  path: string,
  token: string,
  { decompress = true, timeoutMs = 5000 }: GotCallOptions,
) {
  return got(`${simulator.apiUrl}${path}`, {
    headers: { Authorization: `Bearer ${token}` },
    retry: { limit: 0 },
    timeout: { request: timeoutMs },
    decompress,
  });
}

test('Retry-After can be in seconds, a date, in the text only, or missing', async () => {
  const wait = { waitSeconds: 7 };
  const { simulator, call } = await startFaulty([
    { kind: 'throttle-seconds', ...wait },
    { kind: 'throttle-date', ...wait },
    { kind: 'throttle-body', ...wait },
    'throttle-bare',
  ]);
  const answers = [];
  for (let index = 0; index < 4; index += 1) {
    const response = await call();
    expect(response.status).toBe(429);
    answers.push({ header: response.headers.get('retry-after'), text: await response.text() });
  }
  const [seconds, date, body, bare] = answers;
  expect(seconds?.header).toBe('7');
  expect(Date.parse(date?.header ?? '') - Date.now()).toBeGreaterThan(5000);
  expect(Date.parse(date?.header ?? '') - Date.now()).toBeLessThanOrEqual(8000);
  expect(body).toEqual({ header: null, text: expect.stringContaining('again in 7 seconds') });
  expect(bare).toEqual({ header: null, text: expect.not.stringContaining('again in') });
  expect(simulator.control.report()).toMatchObject({ calls: 4, counted: 0, throttled: 4 });
});

test.for([
  ['http-408', 408],
  ['http-500', 500],
  ['http-502', 502],
  ['http-503', 503],
  ['http-504', 504],
  ['bad-request', 400],
  ['unauthorized', 401],
  ['forbidden', 403],
  ['not-found', 404],
] as const)('%s answers %i once, and then the machine', async ([kind, status]) => {
  const { call } = await startFaulty([kind]);
  const response = await call();
  expect(response.status).toBe(status);
  expect(await response.text()).not.toBe('');
  expect((await call()).status).toBe(200);
});

test('A 404 can flap, or stay for ever', async () => {
  const flapping = await startFaulty(['not-found', 'ok', 'not-found']);
  const forever = await startFaulty(['ok', 'not-found'], true);
  const statuses = { flapping: [] as number[], forever: [] as number[] };
  for (let index = 0; index < 4; index += 1) {
    statuses.flapping.push((await flapping.call()).status);
    statuses.forever.push((await forever.call()).status);
  }
  expect(statuses).toEqual({ flapping: [404, 200, 404, 200], forever: [200, 404, 404, 404] });
});

test('The connection can be reset before the answer and in the middle of it', async () => {
  const { simulator, gotCall } = await startFaulty(['reset', 'reset-mid-body']);
  await expect(gotCall()).rejects.toMatchObject({ code: 'ECONNRESET' });
  await expect(gotCall()).rejects.toMatchObject({
    code: expect.stringMatching(/ECONNRESET|ERR_READING_RESPONSE_STREAM/),
  });
  expect(simulator.control.calls().map((call) => call.status)).toEqual([null, 200]);
});

test('An answer can stall and never come', async () => {
  const { simulator, call } = await startFaulty(['stall']);
  await expect(call(AbortSignal.timeout(60))).rejects.toThrow('timeout');
  expect(simulator.control.calls()).toMatchObject([{ status: null, counted: true, fault: 'stall' }]);
});

test('A slow body begins at once and takes its time', async () => {
  const { call, gotCall } = await startFaulty([{ kind: 'slow-body', durationMs: 200 }, 'slow-body']);
  const response = await call();
  const begun = performance.now();
  expect(await response.json()).toHaveProperty('id');
  expect(performance.now() - begun).toBeGreaterThan(100);
  await expect(gotCall({ timeoutMs: 100 })).rejects.toMatchObject({ code: 'ETIMEDOUT' });
});

test.for(['truncated', 'html', 'empty'] as const)(
  'A body can be no JSON with status 200: %s',
  async (kind) => {
    const { call } = await startFaulty([kind]);
    const response = await call();
    expect(response.status).toBe(200);
    await expect(response.json()).rejects.toThrow(SyntaxError);
  },
);

test('A body can be JSON but no machine', async () => {
  const { call } = await startFaulty(['empty-object', 'array', 'error-object']);
  expect(await (await call()).json()).toEqual({});
  expect(await (await call()).json()).toEqual([expect.objectContaining({ id: expect.any(String) })]);
  expect(await (await call()).json()).toEqual({
    error: expect.objectContaining({ code: 'InternalServerError' }),
  });
});

test('A machine can come with a wrong content type', async () => {
  const { call } = await startFaulty(['wrong-content-type']);
  const response = await call();
  expect(response.headers.get('content-type')).toBe('text/plain');
  expect(await response.json()).toHaveProperty('id');
});

test.for([
  ['plain', null],
  ['deflate', 'deflate'],
  ['deflate-raw', 'deflate'],
  ['gzip', 'gzip'],
] as const)('A machine can come in the encoding %s, and got reads it', async ([kind, encoding]) => {
  const { call, gotCall } = await startFaulty([kind, kind]);
  expect((await call()).headers.get('content-encoding')).toBe(encoding);
  expect(JSON.parse((await gotCall()).body)).toHaveProperty('id');
});

test('A body can be 10 MB long and still hold the machine', async () => {
  const { call } = await startFaulty(['huge']);
  const text = await (await call()).text();
  expect(text.length).toBeGreaterThan(10_000_000);
  expect(JSON.parse(text)).toHaveProperty('id');
});

test('A gzip bomb is small on the wire and large once unpacked', async () => {
  const { gotCall } = await startFaulty(['gzip-bomb', 'gzip-bomb']);
  const packed = await gotCall({ decompress: false }).buffer();
  expect(packed.length).toBeLessThan(1_000_000);
  let unpacked = 0;
  const { call } = await startFaulty(['gzip-bomb']);
  for await (const chunk of (await call()).body ?? []) {
    unpacked += chunk.length;
    if (unpacked > 32_000_000) {
      break;
    }
  }
  expect(unpacked).toBeGreaterThan(32_000_000);
});

test('Every fault leaves the server in working order', async () => {
  const { simulator, call } = await startFaulty([...faultKinds]);
  for (const _ of faultKinds) {
    await call(AbortSignal.timeout(150)).then(
      (response) => response.body?.cancel(),
      () => {},
    );
  }
  expect((await call()).status).toBe(200);
  expect(simulator.control.report().faults).toEqual(Object.fromEntries(faultKinds.map((kind) => [kind, 1])));
});

test('Faults by rate strike as often as the rates say, the same way for the same seed', async () => {
  const faultsOf = async (seed: string) => {
    const limits = [{ calls: 10_000, windowMs: 1000 }];
    const simulator = await startForTest({ seed, alerts: 400, limits });
    simulator.control.setFaultRates({ 'http-500': 0.1, 'throttle-seconds': { rate: 0.2, waitSeconds: 9 } });
    const token = await tokenOf(simulator);
    const responses = await Promise.all(
      simulator.control.alertIds().map((id) => callApi(simulator, `/api/alerts/${id}/machine`, { token })),
    );
    const throttled = responses.filter((response) => response.status === 429);
    expect(throttled.every((response) => response.headers.get('retry-after') === '9')).toBe(true);
    const byAlert = simulator.control.calls().map((call) => [call.alertId, call.fault] as const);
    return new Map<string | null, FaultKind | string | null>(byAlert);
  };
  const [first, again] = [await faultsOf('1'), await faultsOf('1')];
  const count = (kind: FaultKind) => [...first.values()].filter((fault) => fault === kind).length;
  expect(Object.fromEntries(again)).toEqual(Object.fromEntries(first));
  expect(count('http-500')).toBeGreaterThan(20);
  expect(count('http-500')).toBeLessThan(65);
  expect(count('throttle-seconds')).toBeGreaterThan(50);
  expect(count('throttle-seconds')).toBeLessThan(115);
});
