import { createServer as createHttpServer } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { gunzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { startSimulator } from '#dev/simulator/simulator.ts';
import { createCertificateAuthority } from '#dev/stack/certificates.ts';
import { startOtlpCollector } from '#dev/traces/otlpCollector.ts';
import { type RunningTelemetry, startOpenTelemetry } from '#shared/opentelemetry/start.ts';
import { readTokenClaims } from '#shared/sources/accessToken.ts';
import { span } from '#shared/telemetry/telemetry.ts';
import { waitUntil } from '../support/waitUntil.ts';

let running: RunningTelemetry | undefined;
const warnings: string[] = [];

beforeEach(() => {
  warnings.length = 0;
  vi.stubEnv('OTEL_BSP_SCHEDULE_DELAY', '20');
});
afterEach(async () => {
  await running?.shutdown();
  running = undefined;
  vi.unstubAllEnvs();
});

async function start(settings: Parameters<typeof startOpenTelemetry>[0]['settings'], environment = {}) {
  running = await startOpenTelemetry({
    settings,
    alertsQueue: 'alerts',
    environment,
    reportQuota: () => Promise.reject(new Error('away')),
    warn: (message) => warnings.push(message),
  });
  return running;
}

const work = () => span('claim', {}, async () => 'done');

/** How long it takes, in milliseconds. */
async function timed(what: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  await what();
  return performance.now() - startedAt;
}

describe('a collector', () => {
  test('gets what is there when the process ends, though no export was due', async () => {
    const collector = await startOtlpCollector();
    onTestFinished(() => collector.close());
    vi.stubEnv('OTEL_BSP_SCHEDULE_DELAY', '3600000');
    vi.stubEnv('OTEL_EXPORTER_OTLP_ENDPOINT', collector.url);
    const telemetry = await start({ kind: 'otlp' }, { WEBSITE_SITE_NAME: 'app-1' });
    await work();
    await telemetry.shutdown();
    expect(collector.spans.map(({ name }) => name)).toEqual(['claim']);
    expect(collector.spans[0]?.resource).toMatchObject({
      'service.name': 'app-1',
      'cloud.platform': 'azure.functions',
    });
    expect(collector.metricNames()).toContain('alert_enrichment.submission.oldest_age');
    await work();
    expect(collector.spans).toHaveLength(1);
  });

  test('that is away keeps no work waiting, and a person hears of it', async () => {
    vi.stubEnv('OTEL_EXPORTER_OTLP_ENDPOINT', 'http://127.0.0.1:9');
    vi.stubEnv('OTEL_EXPORTER_OTLP_HEADERS', 'x-key=secret-of-the-collector');
    vi.stubEnv('OTEL_EXPORTER_OTLP_TIMEOUT', '300');
    await start({ kind: 'otlp' });
    expect(await work()).toBe('done');
    await waitUntil('the warning', () => warnings.length > 0);
    expect(warnings[0]).toMatch(/^Telemetry could not be sent: /);
    expect(warnings.join()).not.toContain('secret-of-the-collector');
  });

  test('that takes and never answers keeps neither work nor the end of the process waiting', async () => {
    const collector = await startOtlpCollector();
    onTestFinished(() => collector.close());
    collector.hang();
    vi.stubEnv('OTEL_EXPORTER_OTLP_ENDPOINT', collector.url);
    const telemetry = await start({ kind: 'otlp' });
    for (let count = 0; count < 5_000; count += 1) {
      await work();
    }
    expect(await timed(() => telemetry.shutdown())).toBeLessThan(8_000);
    running = undefined;
  });

  test('that refuses is told of to a person by its status', async () => {
    const server = createHttpServer((_request, response) => response.writeHead(401).end('bad key'));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => {
      server.closeAllConnections();
      server.close();
    });
    vi.stubEnv('OTEL_EXPORTER_OTLP_ENDPOINT', `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    await start({ kind: 'otlp' });
    await work();
    await waitUntil('the warning', () => warnings.length > 0);
    expect(warnings[0]).toMatch(/Unauthorized|401/);
  });
});

test('Application Insights gets spans and metrics, with a token of the managed identity', async () => {
  const clientId = '5b1e6c1e-8f0c-4b7c-9d0a-2f5a9f7a1101';
  const [authority, simulator] = await Promise.all([
    createCertificateAuthority(),
    startSimulator({ machines: 1, alerts: 1, userAssignedClientId: clientId }),
  ]);
  onTestFinished(() => simulator.close());
  const trusted = getCACertificates();
  setDefaultCACertificates([...trusted, authority.certificate]);
  onTestFinished(() => setDefaultCACertificates(trusted));
  const { certificate, key } = await authority.issue('127.0.0.1');
  const requests: { path: string; authorization: string; envelopes: Record<string, unknown>[] }[] = [];
  const ingestion = createServer({ cert: certificate, key }, async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) {
      chunks.push(chunk as Buffer);
    }
    const raw = Buffer.concat(chunks);
    const body = request.headers['content-encoding'] === 'gzip' ? gunzipSync(raw) : raw;
    const envelopes = JSON.parse(body.toString('utf8')) as Record<string, unknown>[];
    requests.push({ path: request.url ?? '', authorization: request.headers.authorization ?? '', envelopes });
    const { length } = envelopes;
    response
      .writeHead(200, { 'content-type': 'application/json' })
      .end(JSON.stringify({ itemsReceived: length, itemsAccepted: length, errors: [] }));
  });
  await new Promise<void>((resolve) => ingestion.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    ingestion.closeAllConnections();
    ingestion.close();
  });
  vi.stubEnv('IDENTITY_ENDPOINT', simulator.identityEndpoint);
  vi.stubEnv('IDENTITY_HEADER', simulator.identityHeader);
  const address = `https://127.0.0.1:${(ingestion.address() as AddressInfo).port}/`;
  const connectionString = `InstrumentationKey=00000000-0000-0000-0000-000000000001;IngestionEndpoint=${address}`;
  const telemetry = await start({ kind: 'azure-monitor', connectionString, identity: { clientId } });
  await span('process', {}, () =>
    span(
      'call',
      { attributes: { 'http.request.method': 'GET', 'url.template': '/a/{id}' } },
      async () => 'done',
    ),
  );
  await telemetry.shutdown();

  expect(warnings).toEqual([]);
  const envelopes = requests.flatMap((request) => request.envelopes);
  expect(JSON.stringify(envelopes)).toContain('"GET /a/{id}"');
  expect(JSON.stringify(envelopes)).toContain('alert_enrichment.submission.oldest_age');
  for (const { path, authorization } of requests) {
    expect(path).toMatch(/^\/v2(\.1)?\/track$/);
    expect(readTokenClaims(authorization.replace('Bearer ', ''))).toMatchObject({
      audience: expect.stringMatching(/^https:\/\/monitor\.azure\.com\/?$/),
      appId: clientId,
    });
  }
  // What the exporter does to send telemetry is no work of the app: there is no trace of it.
  expect(JSON.stringify(envelopes)).not.toMatch(/getToken|\/track/);
});
