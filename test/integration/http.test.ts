import { request } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { SimulatorControl } from '#dev/simulator/control.ts';
import { type Stack, startStack } from '#dev/stack/stack.ts';
import {
  alertEnrichmentSchema,
  healthAnswerSchema,
  type OrderAnswer,
  orderAnswerSchema,
  pendingAlertSchema,
  problemSchema,
  quotaAnswerSchema,
} from '#shared/http/contract.ts';
import { type Pipeline, startPipeline } from '../support/pipelineHarness.ts';
import { type StorageProxy, startStorageProxy } from '../support/storageProxy.ts';
import { waitUntil } from '../support/waitUntil.ts';

const JSON_BODY = { 'content-type': 'application/json' };
let stack: Stack;
let control: SimulatorControl;
let tables: StorageProxy;
let pipeline: Pipeline;
let api: string;

beforeAll(async () => {
  stack = await startStack({ simulator: { limits: [{ calls: 10_000, windowMs: 1_000 }] } });
  control = stack.simulator.control;
  tables = await startStorageProxy(stack.azurite.connectionString, 'Table');
  pipeline = await startPipeline(stack, {
    AlertsStorage: tables.connectionString,
    NOT_FOUND_RETRIES: '1s',
  });
  api = `${pipeline.hosts[0]?.url}/api`;
});
afterAll(async () => {
  await stack.stop();
  await tables.stop();
});

function newAlerts(count: number): string[] {
  return control.addNewAlerts(count).map(({ id }) => id);
}

function callsFor(alertId: string): number {
  return control.report().alerts[alertId] ?? 0;
}

function post(
  body: unknown,
  options: { query?: string; accept?: string; to?: string } = {},
): Promise<Response> {
  const { query = '', accept, to = api } = options;
  const headers = { ...JSON_BODY, ...(accept !== undefined && { accept }) };
  return fetch(`${to}/enrichments${query}`, { method: 'POST', headers, body: JSON.stringify(body) });
}

async function orderOf(response: Response): Promise<OrderAnswer> {
  return orderAnswerSchema.parse(await response.json());
}

async function enrichedAlert(): Promise<string> {
  const [alertId = ''] = newAlerts(1);
  const response = await post({ alertId }, { query: '?wait=20' });
  expect(response.status).toBe(200);
  return alertId;
}

describe('an order', () => {
  test('of one alert with wait is answered with what is published', async () => {
    const [alertId = ''] = newAlerts(1);
    const body = { alertId, correlationId: 'INC-7', metadata: { owner: 'soc' } };
    const response = await post(body, { query: '?wait=20' });
    expect(response.status).toBe(200);
    expect(response.headers.get('location')).toBe(`/api/enrichments/${alertId}`);
    expect(response.headers.get('retry-after')).toBeNull();
    const { submissions, rejected } = await orderOf(response);
    expect(rejected).toEqual([]);
    const { enrichment: published } = await pipeline.enrichmentOf(alertId);
    expect(submissions).toMatchObject([
      { index: 0, alertId, status: 'final', submissionId: published.submissionId, enrichment: published },
    ]);
  });

  test('of several alerts is taken as far as it is valid, and the rest is listed', async () => {
    const [first = '', second = ''] = newAlerts(2);
    const response = await post([
      first,
      '../../admin',
      { alertId: second, machineId: 7 },
      { alertId: second },
    ]);
    expect(response.status).toBe(202);
    expect(response.headers.get('location')).toBeNull();
    const { submissions, rejected, retryAfterSeconds } = await orderOf(response);
    expect(submissions).toMatchObject([
      { index: 0, alertId: first, status: 'pending', location: `/api/enrichments/${first}` },
      { index: 3, alertId: second, status: 'pending' },
    ]);
    expect(rejected).toMatchObject([
      { index: 1, reason: 'bad-alert-id' },
      { index: 2, reason: 'bad-field', alertId: second },
    ]);
    expect(response.headers.get('retry-after')).toBe(String(retryAfterSeconds));
    for (const alertId of [first, second]) {
      const found = await fetch(`${api}/enrichments/${alertId}?wait=20`);
      expect(found.status).toBe(200);
      expect(alertEnrichmentSchema.parse(await found.json())).toMatchObject({ alertId, outcome: 'enriched' });
    }
  });

  test('takes the other forms of input: a plain alert ID, and a CloudEvent', async () => {
    const [plain = '', wrapped = ''] = newAlerts(2);
    const event = { specversion: '1.0', id: 'e-1', source: '/s', type: 't', data: { alertId: wrapped } };
    const answers = await Promise.all([
      fetch(`${api}/enrichments?wait=20`, { method: 'POST', body: ` ${plain}\n` }),
      fetch(`${api}/enrichments?wait=20`, {
        method: 'POST',
        headers: { 'content-type': 'application/cloudevents+json; charset=utf-8' },
        body: JSON.stringify(event),
      }),
    ]);
    const orders = await Promise.all(answers.map(orderOf));
    expect(orders.map(({ submissions }) => submissions[0]?.enrichment)).toMatchObject([
      { alertId: plain, outcome: 'enriched' },
      { alertId: wrapped, outcome: 'enriched', correlationId: 'e-1' },
    ]);
  });

  test('of an alert that was enriched a moment ago is served without a call', async () => {
    const alertId = await enrichedAlert();
    const { submissions } = await orderOf(await post({ alertId }, { query: '?wait=20' }));
    expect(submissions).toMatchObject([{ status: 'final', enrichment: { reused: true } }]);
    expect(callsFor(alertId)).toBe(1);
  });

  test('may be answered with summary cards, which say what is rejected too', async () => {
    const alertIds = newAlerts(2);
    const markdown = await post([...alertIds, '<b>'], { query: '?wait=20', accept: 'text/markdown' });
    expect(markdown.status).toBe(200);
    expect(markdown.headers.get('content-type')).toBe('text/markdown; charset=utf-8');
    const cards = (await markdown.text()).split('\n\n---\n\n');
    expect(cards).toHaveLength(3);
    expect(cards[2]).toContain('&lt;b&gt;');
    const html = await post([...alertIds, '<b>'], { query: '?wait=20', accept: 'text/html' });
    expect(html.headers.get('content-security-policy')).toContain("default-src 'none'");
    expect(await html.text()).not.toContain('<b>');
  });
});

describe('a look-up', () => {
  test('tells pending from unknown, and waits for the end', async () => {
    const alertId = 'da000000000000000001_1';
    expect((await fetch(`${api}/enrichments/${alertId}`)).status).toBe(404);
    await post({ alertId });
    const pending = await fetch(`${api}/enrichments/${alertId}`);
    expect(pending.status).toBe(202);
    expect(Number(pending.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(pendingAlertSchema.parse(await pending.json())).toMatchObject({ alertId, status: 'pending' });
    const final = await fetch(`${api}/enrichments/${alertId}?wait=20`);
    expect(final.status).toBe(200);
    expect(alertEnrichmentSchema.parse(await final.json())).toMatchObject({ alertId, outcome: 'not_found' });
  });

  test('of what the caller has already is answered with 304, in each form', async () => {
    const url = `${api}/enrichments/${await enrichedAlert()}`;
    const tags = new Set<string>();
    for (const accept of ['application/json', 'text/markdown', 'text/html']) {
      const first = await fetch(url, { headers: { accept } });
      expect(first.headers.get('vary')).toBe('Accept');
      const etag = first.headers.get('etag') ?? '';
      tags.add(etag);
      const again = await fetch(url, { headers: { accept, 'if-none-match': `"x", W/${etag}` } });
      expect([again.status, again.headers.get('etag'), await again.text()]).toEqual([304, etag, '']);
    }
    expect(tags.size).toBe(3);
  });

  test('shows a card in which hostile texts do nothing', async () => {
    const machine = control.fleet.machines.at(-1);
    const hostile = '<script>alert(1)</script>[x](https://evil.example)';
    Object.assign(machine ?? {}, { computerDnsName: hostile, machineTags: [hostile] });
    const [alert] = control.addAlerts([{ id: 'da000000000000000002_1', machineId: machine?.id }]);
    await post({ alertId: alert?.id }, { query: '?wait=20' });
    const page = await fetch(`${api}/enrichments/${alert?.id}`, {
      headers: { accept: 'text/html,*/*;q=0.8' },
    });
    expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(page.headers.get('x-content-type-options')).toBe('nosniff');
    const html = await page.text();
    expect(html).toContain('&lt;script&gt;');
    expect(html).not.toContain('<script');
    expect(html).not.toContain('evil.example"');
    const card = await fetch(`${api}/enrichments/${alert?.id}`, { headers: { accept: 'text/markdown' } });
    expect(await card.text()).not.toMatch(/<script|\]\(https:\/\/evil/);
  });

  test('by HEAD has no body', async () => {
    const response = await fetch(`${api}/enrichments/${await enrichedAlert()}`, { method: 'HEAD' });
    expect([response.status, await response.text()]).toEqual([200, '']);
  });
});

const alertId = 'da637472900382838869_1364969609';
const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`;
const mistakes: [what: string, status: number, path: string, options: RequestInit][] = [
  ['the wrong method for orders', 405, '/enrichments', { method: 'GET' }],
  ['the wrong method for a look-up', 405, `/enrichments/${alertId}`, { method: 'DELETE' }],
  ['the wrong method for the quota', 405, '/quota', { method: 'POST', headers: JSON_BODY, body: '{}' }],
  ['the wrong method for health', 405, '/health', { method: 'PUT' }],
  ['the wrong method for liveness', 405, '/live', { method: 'OPTIONS' }],
  ['a path that climbs', 405, '/enrichments/%2e%2e/enrichments', {}],
  ['an encoded slash in the alert ID', 400, '/enrichments/..%2F..%2Fadmin', {}],
  ['an encoded line end in the alert ID', 400, '/enrichments/da1%0d%0aX-Evil:1', {}],
  ['a null byte in the alert ID', 400, '/enrichments/da1%00', {}],
  ['an alert ID that is too long', 400, `/enrichments/${'a'.repeat(129)}`, {}],
  ['a quote in the alert ID', 400, "/enrichments/da1'%20or%20''='", {}],
  ['a wait that is too long', 400, `/enrichments/${alertId}?wait=101`, {}],
  ['a wait that is no number', 400, `/enrichments/${alertId}?wait=-1`, {}],
  ['two waits', 400, `/enrichments/${alertId}?wait=1&wait=2`, {}],
  ['an unknown form of answer', 406, `/enrichments/${alertId}`, { headers: { accept: 'image/png' } }],
  ['no body', 400, '/enrichments', { method: 'POST', headers: JSON_BODY }],
  ['half of JSON', 400, '/enrichments', { method: 'POST', headers: JSON_BODY, body: '{"alertId":' }],
  [
    'bytes that are no text',
    400,
    '/enrichments',
    { method: 'POST', headers: JSON_BODY, body: Buffer.of(0xff, 0xfe) },
  ],
  ['no type', 415, '/enrichments', { method: 'POST', body: Buffer.from(alertId) }],
  ['a form', 415, '/enrichments', { method: 'POST', body: new URLSearchParams({ alertId }) }],
  [
    'a compressed body',
    415,
    '/enrichments',
    { method: 'POST', headers: { ...JSON_BODY, 'content-encoding': 'gzip' }, body: 'x' },
  ],
  [
    'another charset',
    415,
    '/enrichments',
    { method: 'POST', headers: { 'content-type': 'application/json; charset=utf-16' }, body: '{}' },
  ],
  ['no alert', 422, '/enrichments', { method: 'POST', headers: JSON_BODY, body: '{"hello":"world"}' }],
  ['nesting without end', 422, '/enrichments', { method: 'POST', headers: JSON_BODY, body: deep }],
  [
    "the pipeline's own envelope",
    422,
    '/enrichments',
    { method: 'POST', headers: JSON_BODY, body: '{"kind":"submission","version":1}' },
  ],
  [
    'too many alerts',
    413,
    '/enrichments',
    { method: 'POST', headers: JSON_BODY, body: JSON.stringify(Array(1_001).fill(alertId)) },
  ],
  [
    'a body of 10 MB',
    413,
    '/enrichments',
    { method: 'POST', headers: JSON_BODY, body: JSON.stringify('a'.repeat(10_000_000)) },
  ],
];

test.each(mistakes)('%s gets a problem document with status %i', async (_what, status, path, options) => {
  const { status: got, headers, text } = await send(path, options);
  expect({ got, text }).toMatchObject({ got: status });
  expect(headers['content-type']).toBe('application/problem+json');
  const problem = problemSchema.parse(JSON.parse(text));
  expect(problem.status).toBe(status);
  expect(headers.allow === undefined).toBe(status !== 405);
});

/** Sends a path as it is, which `fetch` would tidy up first. */
async function send(path: string, { method = 'GET', headers, body }: RequestInit) {
  if (!path.includes('%')) {
    const response = await fetch(`${api}${path}`, { method, headers, body } as RequestInit);
    return {
      status: response.status,
      headers: Object.fromEntries(response.headers) as Record<string, string | undefined>,
      text: await response.text(),
    };
  }
  return new Promise<{ status?: number | undefined; headers: Record<string, unknown>; text: string }>(
    (resolve, reject) => {
      const { hostname, port } = new URL(api);
      request({ hostname, port, path: `/api${path}`, method }, (response) => {
        response.setEncoding('utf8');
        let text = '';
        response.on('data', (chunk: string) => {
          text += chunk;
        });
        response.once('end', () => resolve({ status: response.statusCode, headers: response.headers, text }));
      })
        .once('error', reject)
        .end();
    },
  );
}

test('the quota is told as the ledger has it', async () => {
  await enrichedAlert();
  const response = await fetch(`${api}/quota`);
  expect(response.status).toBe(200);
  const quota = quotaAnswerSchema.parse(await response.json());
  expect(quota).toMatchObject({
    windows: [{ limit: { calls: 10_000, windowMs: 1_000 } }],
    rate: 1,
    circuit: null,
  });
});

test('liveness is a bare answer', async () => {
  const response = await fetch(`${api}/live`);
  expect([response.status, await response.text()]).toEqual([200, '']);
});

test('health says what is wrong while storage is down, and orders are refused with 503', async () => {
  const healthy = await fetch(`${api}/health`);
  expect(healthyAnswer(await healthy.json())).toEqual({ status: 'healthy', failed: [] });
  expect(healthy.status).toBe(200);
  tables.refuse(() => true);
  const lookUp = fetch(`${api}/enrichments/${alertId}`);
  const answer = await waitUntil('health has noticed', async () => {
    const response = await fetch(`${api}/health`);
    return response.status === 503 && healthyAnswer(await response.json());
  });
  expect(answer).toEqual({
    status: 'unhealthy',
    failed: [
      `table "${pipeline.settings.ENRICHMENTS_TABLE}"`,
      `table "${pipeline.settings.STATE_TABLE}"`,
      'circuit',
    ],
  });
  const refused = await lookUp;
  expect(refused.status).toBe(503);
  expect(refused.headers.get('retry-after')).toBe('30');
  expect(problemSchema.parse(await refused.json()).type).toMatch(/storage-unavailable$/);
  tables.pass();
  await waitUntil('health is back', async () => (await fetch(`${api}/health`)).status === 200);
});

function healthyAnswer(json: unknown) {
  const { status, checks } = healthAnswerSchema.parse(json);
  return { status, failed: checks.filter((check) => check.status === 'failed').map(({ name }) => name) };
}

test('health says that the circuit is open when Defender refuses the app', async () => {
  control.setFaultRates({ unauthorized: 1 });
  await post(newAlerts(1));
  const answer = await waitUntil('health has noticed', async () => {
    const response = await fetch(`${api}/health`);
    return response.status === 503 && healthyAnswer(await response.json());
  });
  expect(answer).toEqual({ status: 'unhealthy', failed: ['circuit'] });
  control.setFaultRates({});
});

test('a call that outlasts the time of its caller is finished, and not made again', async () => {
  const [alertId = ''] = newAlerts(1);
  control.scriptFaults({ alertId, answers: [{ kind: 'slow-body', durationMs: 2_500 }, 'ok'] });
  const order = await post({ alertId }, { query: '?wait=1' });
  expect([order.status, callsFor(alertId)]).toEqual([202, 1]);
  expect((await fetch(`${api}/enrichments/${alertId}?wait=30`)).status).toBe(200);
  await pipeline.idle();
  expect(callsFor(alertId)).toBe(1);
  expect(pipeline.eventsOf(alertId)).toMatchObject([{ result: 'enriched', attempts: 1 }]);
  const complaints = pipeline.hosts[0]?.output.filter((line) => line.includes('after function execution'));
  expect(complaints).toEqual([]);
});

describe('with the quota nearly spent', () => {
  let scarce: Pipeline;
  let scarceApi: string;
  beforeAll(async () => {
    // A claim that a busy machine outlives would be a second call.
    scarce = await startPipeline(stack, { DEFENDER_RATE_LIMITS: '30/4s', CLAIM_EXPIRY: '60s' });
    scarceApi = `${scarce.hosts[0]?.url}/api`;
  });

  test('200 callers who wait for 50 alerts each get their answer or an honest 202, for 50 calls', async () => {
    const alertIds = newAlerts(50);
    const callers = Array.from({ length: 200 }, (_, caller) => alertIds[caller % 50] ?? '');
    const responses = await Promise.all(
      callers.map((alertId) => post({ alertId }, { query: '?wait=2', to: scarceApi })),
    );
    const orders = await Promise.all(responses.map(orderOf));
    for (const [index, { submissions, expectedAt, retryAfterSeconds = 0 }] of orders.entries()) {
      const { status } = responses[index] ?? {};
      expect(submissions[0]?.status).toBe(status === 200 ? 'final' : 'pending');
      if (status === 200) {
        expect(submissions[0]?.enrichment?.outcome).toBe('enriched');
      } else {
        expect([expectedAt === undefined, retryAfterSeconds > 0]).toEqual([false, true]);
      }
    }
    // The window lets 30 calls through at once, and the next ones when the callers' time is up.
    expect(responses.filter(({ status }) => status === 202).length).toBeGreaterThanOrEqual(80);
    const later = await Promise.all(
      callers.map((alertId) => fetch(`${scarceApi}/enrichments/${alertId}?wait=30`)),
    );
    expect(new Set(later.map(({ status }) => status))).toEqual(new Set([200]));
    expect(alertIds.map(callsFor)).toEqual(alertIds.map(() => 1));
    await scarce.idle();
    expect(alertIds.map(callsFor)).toEqual(alertIds.map(() => 1));
    expect(await scarce.delivered()).toHaveLength(200);
  });
});
