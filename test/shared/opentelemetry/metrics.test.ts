import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import { afterEach, expect, test } from 'vitest';
import { createMetrics, type MetricName } from '#shared/opentelemetry/metrics.ts';
import type { MessageEvent } from '#shared/pipeline/receiveMessage.ts';
import type { QuotaReport } from '#shared/quota/quotaReport.ts';

const running: MeterProvider[] = [];
afterEach(() => Promise.all(running.splice(0).map((provider) => provider.shutdown())));

function start(reportQuota: () => Promise<QuotaReport> = () => Promise.reject(new Error('away'))) {
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 });
  const provider = new MeterProvider({ readers: [reader] });
  running.push(provider);
  const metrics = createMetrics(provider.getMeter('test'), 'alerts', reportQuota);
  return {
    metrics,
    /** Attributes and values of a metric, as exported now. */
    async exported(name: MetricName) {
      exporter.reset();
      await provider.forceFlush();
      return exporter
        .getMetrics()
        .flatMap(({ scopeMetrics }) => scopeMetrics.flatMap((scope) => scope.metrics))
        .filter(({ descriptor }) => descriptor.name === name)
        .flatMap(({ dataPoints }) => dataPoints.map(({ attributes, value }) => ({ attributes, value })));
    },
  };
}

function submissionEvent(
  result: string,
  more: Partial<Extract<MessageEvent, { event: 'submission' }>> = {},
): MessageEvent {
  const times = { attempts: 1, deferrals: 0, durationMs: 10, ageMs: 90_000 };
  return { event: 'submission', alertId: 'a', submissionId: 's', ...times, result, ...more };
}

test('ends of submissions are counted by outcome, with their age; repetitions and deferrals are not ends', async () => {
  const { metrics, exported } = start();
  metrics.record(submissionEvent('enriched', { reused: true }));
  metrics.record(submissionEvent('failed', { reason: 'source_rejected' }));
  metrics.record(submissionEvent('repeated'));
  metrics.record(submissionEvent('deferred', { reason: 'throttled' }));
  expect(await exported('alert_enrichment.submissions')).toEqual([
    { attributes: { 'alert_enrichment.outcome': 'enriched', 'alert_enrichment.reused': true }, value: 1 },
    {
      attributes: {
        'alert_enrichment.outcome': 'failed',
        'alert_enrichment.reused': false,
        'error.type': 'source_rejected',
      },
      value: 1,
    },
  ]);
  expect(await exported('alert_enrichment.submission.age')).toMatchObject([
    { attributes: { 'alert_enrichment.outcome': 'enriched' }, value: { count: 1, sum: 90 } },
    { attributes: { 'alert_enrichment.outcome': 'failed' }, value: { count: 1, sum: 90 } },
  ]);
  expect(await exported('alert_enrichment.deferrals')).toEqual([
    { attributes: { 'alert_enrichment.reason': 'throttled' }, value: 1 },
  ]);
});

test('the oldest age is that of one export, and 0 when nothing was put back', async () => {
  const { metrics, exported } = start();
  metrics.record(submissionEvent('deferred', { ageMs: 5_000 }));
  metrics.record(submissionEvent('deferred', { ageMs: 7_000 }));
  metrics.record(submissionEvent('deferred', { ageMs: 6_000 }));
  expect(await exported('alert_enrichment.submission.oldest_age')).toEqual([{ attributes: {}, value: 7 }]);
  expect(await exported('alert_enrichment.submission.oldest_age')).toEqual([{ attributes: {}, value: 0 }]);
});

test('rejections and conflicts of the ledger are counted, and events that are no business of metrics are not', async () => {
  const { metrics, exported } = start();
  metrics.record({ event: 'ledger_conflict' });
  metrics.record({ event: 'ledger_conflict' });
  metrics.record({ event: 'rejected', reason: 'not-an-alert', detail: 'x' } as MessageEvent);
  metrics.record({ event: 'order' });
  expect(await exported('alert_enrichment.ledger.conflicts')).toEqual([{ attributes: {}, value: 2 }]);
  expect(await exported('alert_enrichment.rejections')).toEqual([
    { attributes: { 'alert_enrichment.reason': 'not-an-alert' }, value: 1 },
  ]);
});

test('quota, queue and circuit are as they stand at the export, each API by itself', async () => {
  const windows = [{ limit: { calls: 100, windowMs: 60_000 }, permitted: 50, used: 20, remaining: 30 }];
  const circuit = { openSince: new Date(0), nextProbe: new Date(0), detail: 'no role' };
  const { exported } = start(async () => ({
    windows,
    rate: 0.5,
    pausedUntil: null,
    circuit,
    queued: 12,
    drainedBy: null,
    source: 'graph',
    hunting: { windows: [], rate: 1, pausedUntil: null, circuit: null },
  }));
  const inWindow = { 'alert_enrichment.api': 'graph', 'alert_enrichment.window': '100/60s' };
  expect(await exported('alert_enrichment.quota.used')).toEqual([{ attributes: inWindow, value: 20 }]);
  expect(await exported('alert_enrichment.quota.permitted')).toEqual([{ attributes: inWindow, value: 50 }]);
  expect(await exported('alert_enrichment.queue.length')).toEqual([
    { attributes: { 'messaging.destination.name': 'alerts' }, value: 12 },
  ]);
  expect(await exported('alert_enrichment.circuit.open')).toEqual([
    { attributes: { 'alert_enrichment.api': 'graph' }, value: 1 },
    { attributes: { 'alert_enrichment.api': 'hunting' }, value: 0 },
  ]);
});

test('an export goes without the quota while that cannot be read, and keeps the rest', async () => {
  const { metrics, exported } = start();
  metrics.record(submissionEvent('enriched'));
  expect(await exported('alert_enrichment.quota.used')).toEqual([]);
  expect(await exported('alert_enrichment.submissions')).toHaveLength(1);
});

test('spans of requests and messages are measured by the attributes of their metric alone', async () => {
  const { metrics, exported } = start();
  metrics.spanEnded('call', { 'http.request.method': 'GET', 'url.template': '/x', 'server.port': 1 }, 0.25);
  metrics.spanEnded(
    'send',
    { 'messaging.destination.name': 'alerts', 'messaging.operation.name': 'send' },
    1,
  );
  metrics.spanEnded('claim', {}, 1);
  expect(await exported('http.client.request.duration')).toMatchObject([
    { attributes: { 'http.request.method': 'GET', 'url.template': '/x' }, value: { count: 1, sum: 0.25 } },
  ]);
  expect(await exported('messaging.client.sent.messages')).toEqual([
    { attributes: { 'messaging.destination.name': 'alerts', 'messaging.operation.name': 'send' }, value: 1 },
  ]);
});
