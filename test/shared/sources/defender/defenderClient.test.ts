import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { FaultInput, FaultKind } from '#dev/simulator/faults.ts';
import { createDefenderClient } from '#shared/sources/defender/defenderClient.ts';
import { startForTest, tokenOf } from '#test/dev/simulator/simulatorFixture.ts';
import { waitUntil } from '#test/support/waitUntil.ts';

const clock = () => new Date();
const never = new AbortController().signal;

/** A simulator, our client on it, and a first alert that is answered with these faults. */
async function startFaulty(...answers: (FaultInput | 'ok')[]) {
  const simulator = await startForTest();
  const [alertId = ''] = simulator.control.alertIds(1);
  if (answers.length > 0) {
    simulator.control.scriptFaults({ alertId, answers });
  }
  const token = await tokenOf(simulator);
  const client = createDefenderClient(simulator.apiUrl, clock);
  return {
    simulator,
    alertId,
    token,
    call: (signal = never) => client.machineOfAlert(alertId, token, signal),
  };
}

async function listen(listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  });
  return urlOf(server);
}

function urlOf(server: Server): string {
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

describe('the Defender client', () => {
  test('fetches the machine of an alert as the API sends it', async () => {
    const { simulator, call } = await startFaulty();
    const reply = await call();
    expect(reply).toMatchObject({
      kind: 'machine',
      machine: { id: expect.stringMatching(/^[0-9a-f]{40}$/) },
    });
    expect(simulator.control.report()).toMatchObject({ calls: 1, routes: { alertMachine: { 200: 1 } } });
  });

  test.each<FaultKind>(['plain', 'deflate', 'deflate-raw', 'gzip', 'wrong-content-type'])(
    'reads a machine that comes in the form %s',
    async (kind) => {
      const { call } = await startFaulty(kind);
      expect(await call()).toMatchObject({ kind: 'machine' });
    },
  );

  test.for([
    ['http-500', /answered 500/],
    ['http-503', /answered 503/],
    ['http-408', /answered 408/],
    ['truncated', /no JSON/],
    ['html', /no JSON/],
    ['empty', /no JSON/],
    ['error-object', /an error/],
    ['reset', /ECONNRESET/],
    ['reset-mid-body', /could not be reached/],
  ] as const)('takes %s for no answer, without trying again by itself', async ([kind, detail]) => {
    const { simulator, call } = await startFaulty(kind);
    expect(await call()).toEqual({ kind: 'unavailable', detail: expect.stringMatching(detail) });
    expect(simulator.control.report().calls).toBe(1);
    expect(await call()).toMatchObject({ kind: 'machine' });
  });

  test.for([
    ['empty-object', /without "id"/],
    ['array', /list/],
    ['huge', /longer than \d+ bytes/],
    ['gzip-bomb', /longer than \d+ bytes/],
  ] as const)('takes %s for an answer of no use', async ([kind, detail]) => {
    const { call } = await startFaulty(kind);
    expect(await call()).toEqual({ kind: 'unusable', detail: expect.stringMatching(detail) });
  });

  test.for([
    ['unauthorized', 'unauthorized'],
    ['forbidden', 'forbidden'],
    ['not-found', 'not_found'],
    ['bad-request', 'rejected'],
  ] as const)('tells %s from the rest', async ([fault, kind]) => {
    const { call } = await startFaulty(fault);
    expect(await call()).toMatchObject({ kind });
  });

  test.for([
    ['throttle-seconds', 7_000],
    ['throttle-body', 7_000],
    ['throttle-bare', undefined],
  ] as const)('reads the wait of a 429: %s', async ([kind, retryAfterMs]) => {
    const { call } = await startFaulty({ kind, waitSeconds: 7 });
    expect(await call()).toMatchObject({ kind: 'throttled', retryAfterMs });
  });

  test('reads a Retry-After that is a date', async () => {
    const { call } = await startFaulty({ kind: 'throttle-date', waitSeconds: 60 });
    const reply = await call();
    const wait = reply.kind === 'throttled' ? (reply.retryAfterMs ?? 0) : 0;
    expect(wait).toBeGreaterThan(55_000);
    expect(wait).toBeLessThanOrEqual(61_000);
  });

  test.each<FaultKind>(['stall', 'slow-body'])(
    'gives a call up when its signal says so: %s',
    async (kind) => {
      const { simulator, call } = await startFaulty(kind);
      const deadline = new AbortController();
      const reply = call(deadline.signal);
      await waitUntil('the call has arrived', () => simulator.control.calls().length === 1);
      deadline.abort();
      expect(await reply).toEqual({ kind: 'interrupted', detail: expect.stringMatching(/time of this run/) });
    },
  );

  test('makes no call when its signal has ended already', async () => {
    const { simulator, call } = await startFaulty();
    expect(await call(AbortSignal.abort())).toMatchObject({ kind: 'interrupted' });
    expect(simulator.control.calls()).toEqual([]);
  });

  test('says that nobody listens', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const client = createDefenderClient(urlOf(server), clock);
    server.close();
    await once(server, 'close');
    expect(await client.machineOfAlert('alert-1', 'token-1', never)).toEqual({
      kind: 'unavailable',
      detail: expect.stringMatching(/ECONNREFUSED/),
    });
  });

  test('follows no redirect: the token goes nowhere else', async () => {
    const strangerSaw: string[] = [];
    const stranger = await listen((request, response) => {
      strangerSaw.push(request.url ?? '');
      response.end('{"id":"forged"}');
    });
    const api = await listen((request, response) => {
      response.writeHead(307, { location: `${stranger}${request.url}` }).end();
    });
    const reply = await createDefenderClient(api, clock).machineOfAlert('alert-1', 'token-1', never);
    expect(reply).toEqual({ kind: 'unavailable', detail: 'Defender answered 307' });
    expect(strangerSaw).toEqual([]);
  });

  test('asks with the token, for one path segment whatever the alert ID', async () => {
    const seen: unknown[] = [];
    const api = await listen((request, response) => {
      seen.push([request.method, request.url, request.headers.authorization]);
      response.writeHead(404).end();
    });
    await createDefenderClient(api, clock).machineOfAlert('../machines?a=1#/%2e', 'token-1', never);
    expect(seen).toEqual([['GET', '/api/alerts/..%2Fmachines%3Fa%3D1%23%2F%252e/machine', 'Bearer token-1']]);
  });

  test('never puts the token into what it says', async () => {
    const faults: FaultKind[] = [
      'reset',
      'reset-mid-body',
      'http-500',
      'unauthorized',
      'forbidden',
      'huge',
      'html',
    ];
    const { call, token } = await startFaulty(...faults);
    for (const _ of faults) {
      expect(JSON.stringify(await call())).not.toContain(token);
    }
    expect(JSON.stringify(await call(AbortSignal.abort()))).not.toContain(token);
  });
});

describe('a list of alerts', () => {
  /** A simulator with some alerts of this moment, and our client on it. */
  async function startWithAlerts(count: number) {
    const simulator = await startForTest({ alerts: 0, roles: ['Alert.Read.All'] });
    const since = new Date(Date.now() - 60_000);
    const ids = simulator.control.addNewAlerts(count).map(({ id }) => id);
    simulator.control.addAlerts([{ id: 'old', lastUpdateTime: '2020-01-01T00:00:00.0000000Z' }]);
    const token = await tokenOf(simulator);
    const client = createDefenderClient(simulator.apiUrl, clock);
    return {
      simulator,
      ids,
      list: (top: number, skip: number) =>
        client.alertsUpdatedSince({ since, until: undefined, top, skip }, token, never),
    };
  }

  test('comes page by page, without what is older', async () => {
    const { list, ids } = await startWithAlerts(5);
    const pages = [await list(3, 0), await list(3, 3)];
    const entries = pages.flatMap((page) => (page.kind === 'list' ? page.entries : []));
    expect(entries).toMatchObject(ids.map((id) => ({ id, severity: expect.any(String) })));
  });

  test('may be as long as a page of a thousand alerts', async () => {
    const { list } = await startWithAlerts(1_000);
    const page = await list(1_000, 0);
    expect(page.kind === 'list' && page.entries).toHaveLength(1_000);
  });

  test.for([
    ['http-500', 'unavailable'],
    ['truncated', 'unavailable'],
    ['empty-object', 'unusable'],
    ['array', 'unusable'],
    ['error-object', 'unavailable'],
    ['gzip-bomb', 'unusable'],
    ['throttle-seconds', 'throttled'],
    ['unauthorized', 'unauthorized'],
    ['forbidden', 'forbidden'],
    ['bad-request', 'rejected'],
  ] as const)('that is answered with %s is %s', async ([fault, kind]) => {
    const { simulator, list } = await startWithAlerts(1);
    simulator.control.scriptFaults({ alertId: 'alerts', answers: [fault] });
    expect(await list(10, 0)).toMatchObject({ kind });
    expect(await list(10, 0)).toMatchObject({ kind: 'list' });
  });
});
