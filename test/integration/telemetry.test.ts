import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { type Stack, startStack } from '#dev/stack/stack.ts';
import { type CollectedSpan, type OtlpCollector, startOtlpCollector } from '#dev/traces/otlpCollector.ts';
import { METRICS } from '#shared/opentelemetry/metrics.ts';
import { type Pipeline, startPipeline } from '../support/pipelineHarness.ts';
import { secretsOf } from '../support/secrets.ts';
import { waitUntil } from '../support/waitUntil.ts';

const CALLER = { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331' };
const TRACEPARENT = `00-${CALLER.traceId}-${CALLER.spanId}-01`;

let stack: Stack;
let collector: OtlpCollector;
let pipeline: Pipeline;
let alertId: string;
/** The message that came out, as it was read. */
let published: Record<string, unknown>;
let spans: CollectedSpan[];

beforeAll(async () => {
  [stack, collector] = await Promise.all([
    startStack({ simulator: { limits: [{ calls: 10_000, windowMs: 1_000 }] } }),
    startOtlpCollector(),
  ]);
  const settings = {
    TELEMETRY: 'otlp',
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    OTEL_EXPORTER_OTLP_HEADERS: 'x-collector-key=let-me-in',
    OTEL_SERVICE_NAME: 'enrichment-under-test',
    OTEL_BSP_SCHEDULE_DELAY: '100',
    OTEL_METRIC_EXPORT_INTERVAL: '300',
  };
  pipeline = await startPipeline(stack, settings);
  const { control } = stack.simulator;
  alertId = control.addNewAlerts(1)[0]?.id ?? '';
  control.scriptFaults({ alertId, answers: ['not-found', { kind: 'throttle-seconds', waitSeconds: 1 }] });
  const order = await fetch(`${pipeline.hosts[0]?.url}/api/enrichments`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', traceparent: TRACEPARENT, tracestate: 'soc=7' },
    body: JSON.stringify({ alertId }),
  });
  expect(order.status).toBe(202);
  published = { ...(await pipeline.enrichmentOf(alertId)).enrichment };
  await waitUntil('the span of the last delivery', () =>
    collector.spans.some(
      ({ name, attributes }) =>
        name.startsWith('process ') && attributes['alert_enrichment.result'] === 'enriched',
    ),
  );
  spans = collector.spans.filter(({ traceId }) => traceId === CALLER.traceId);
});
afterAll(async () => {
  await stack.stop();
  await collector.close();
});

function named(name: string | RegExp): CollectedSpan[] {
  return spans.filter((span) => (typeof name === 'string' ? span.name === name : name.test(span.name)));
}

describe('the trace of an alert that was ordered by HTTP and put back twice', () => {
  test('is one: every span of it leads up to the caller', () => {
    const byId = new Map(spans.map((span) => [span.spanId, span]));
    for (const span of spans) {
      let top = span;
      for (let up = byId.get(top.parentSpanId); up !== undefined; up = byId.get(top.parentSpanId)) {
        top = up;
      }
      expect(`${span.name} from ${top.parentSpanId}`).toBe(`${span.name} from ${CALLER.spanId}`);
    }
  });

  test('shows the order, three deliveries with their steps, and the message that came out', () => {
    const { ALERTS_QUEUE: queue, ENRICHMENTS_QUEUE: out } = pipeline.settings;
    const count = (name: string | RegExp) => named(name).length;
    expect({
      order: count('POST /api/enrichments'),
      sent: count(`send ${queue}`),
      deliveries: count(`process ${queue}`),
      claims: count('claim'),
      waits: count('wait for quota'),
      calls: count('GET /api/alerts/{id}/machine'),
      stored: count('store'),
      deferrals: count(`defer ${queue}`),
      published: count(`send ${out}`),
    }).toEqual({
      order: 1,
      sent: 1,
      deliveries: 3,
      claims: 3,
      waits: 3,
      calls: 3,
      stored: 1,
      deferrals: 2,
      published: 1,
    });
    const deliveries = named(`process ${queue}`).toSorted((left, right) => left.startMs - right.startMs);
    expect(deliveries.map(({ attributes }) => attributes['alert_enrichment.result'])).toEqual([
      'deferred',
      'deferred',
      'enriched',
    ]);
    const [sent] = named(`send ${queue}`);
    for (const { kind, parentSpanId, links, attributes } of deliveries) {
      expect({ kind, parentSpanId }).toEqual({ kind: 'CONSUMER', parentSpanId: sent?.spanId });
      expect(links).toContainEqual({ traceId: CALLER.traceId, spanId: sent?.spanId });
      expect(attributes).toMatchObject({
        'messaging.system': 'azure_queue_storage',
        'messaging.operation.type': 'process',
        'messaging.destination.name': queue,
        'alert_enrichment.alert.id': alertId,
      });
    }
  });

  test('tells of each call its status, and that one which is refused has failed', () => {
    const calls = named(/^GET \/api\/alerts/).toSorted((left, right) => left.startMs - right.startMs);
    expect(calls.map(({ attributes }) => attributes['http.response.status_code'])).toEqual([404, 429, 200]);
    expect(calls.map(({ failed }) => failed)).toEqual([true, true, false]);
  });

  test("holds the Azure SDKs' own spans for storage and sign-in", () => {
    const names = new Set(named(/./).map(({ name }) => name));
    expect(names).toContain('QueueClient-sendMessage');
    expect([...names].join()).toMatch(/TableClient[.-]createEntity/);
    expect([...names].join()).toMatch(/ManagedIdentityCredential[.-]getToken/);
    const [request] = named(/^HTTP /);
    expect(request?.attributes).toMatchObject({
      'http.request.method': expect.any(String),
      'url.full': expect.stringContaining('127.0.0.1'),
    });
  });

  test('goes on with the message that came out', () => {
    const [sent] = named(`send ${pipeline.settings.ENRICHMENTS_QUEUE}`);
    expect(published.traceparent).toBe(`00-${CALLER.traceId}-${sent?.spanId}-01`);
    expect(published.tracestate).toBe('soc=7');
  });

  test('names the service as the settings do', () => {
    expect(spans[0]?.resource).toMatchObject({
      'service.name': 'enrichment-under-test',
      'service.instance.id': expect.any(String),
    });
  });
});

test('every metric of the list arrives but for those of which nothing has happened, and no other', async () => {
  const expected = Object.keys(METRICS).filter((name) => !/conflicts|rejections/.test(name));
  await waitUntil('all metrics', () => expected.every((name) => collector.points(name).length > 0));
  expect(collector.metricNames().filter((name) => !(name in METRICS))).toEqual([]);
  for (const name of collector.metricNames() as (keyof typeof METRICS)[]) {
    for (const { unit, attributes } of collector.points(name)) {
      const { by, unit: own } = METRICS[name];
      expect(unit).toBe(own);
      expect(Object.keys(attributes).filter((key) => !(by as readonly string[]).includes(key))).toEqual([]);
    }
  }
  const valuesOf = (name: string, key: string) =>
    Object.fromEntries(
      collector.points(name).map(({ attributes, value, count }) => [attributes[key], value ?? count]),
    );
  expect(valuesOf('alert_enrichment.submissions', 'alert_enrichment.outcome')).toEqual({ enriched: 1 });
  expect(valuesOf('alert_enrichment.deferrals', 'alert_enrichment.reason')).toEqual({
    not_found: 1,
    throttled: 1,
  });
  expect(valuesOf('http.client.request.duration', 'http.response.status_code')).toEqual({
    200: 1,
    404: 1,
    429: 1,
  });
  expect(collector.points('alert_enrichment.circuit.open').map(({ value }) => value)).toEqual([0]);
});

test('no token and no key is in any byte that was sent, and the collector gets its header', () => {
  const everything = collector.everything();
  for (const secret of secretsOf(stack)) {
    expect(everything.includes(secret)).toBe(false);
  }
  expect(everything).toContain('"x-collector-key":"let-me-in"');
});

test('a collector that does not answer any more holds up neither alerts nor the end of the host', async () => {
  collector.hang();
  const alerts = stack.simulator.control.addNewAlerts(5).map(({ id }) => id);
  await pipeline.submit(...alerts);
  for (const alert of alerts) {
    expect((await pipeline.enrichmentOf(alert)).enrichment.outcome).toBe('enriched');
  }
  const startedAt = performance.now();
  await pipeline.hosts[0]?.stop();
  expect(performance.now() - startedAt).toBeLessThan(9_000);
});

test('with telemetry off nothing of OpenTelemetry is loaded, and the trace of a caller is handed on untouched', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'modules-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const record = join(folder, 'modules.txt');
  const recorder = new URL('../support/recordModules.mjs', import.meta.url);
  const off = await pipeline.startHost({
    settings: { TELEMETRY: 'off', RECORDED_MODULES: record },
    nodeOptions: ['--import', recorder.href],
  });
  const [{ id = '' } = {}] = stack.simulator.control.addNewAlerts(1);
  await fetch(`${off.url}/api/enrichments`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', traceparent: TRACEPARENT, tracestate: 'soc=7' },
    body: JSON.stringify({ alertId: id }),
  });
  const { enrichment } = await pipeline.enrichmentOf(id);
  expect(enrichment).toMatchObject({ traceparent: TRACEPARENT, tracestate: 'soc=7' });
  await off.stop();
  const loaded = readFileSync(record, 'utf8');
  expect(loaded).toMatch(/\/app\/enrichAlert-\w+\.js/);
  expect(loaded).not.toMatch(/\/app\/(start|otlp|azureMonitor)-\w+\.js/);
});
