import type { Attributes, Histogram, Meter } from '@opentelemetry/api';
import type { MessageEvent } from '../pipeline/receiveMessage.ts';
import type { QuotaReport } from '../quota/quotaReport.ts';
import type { SpanName } from '../telemetry/telemetry.ts';

/** The instruments of this app; docs/telemetry.md is made of this. Times are in seconds. */
export const METRICS = {
  'messaging.process.duration': {
    kind: 'histogram',
    unit: 's',
    by: ['messaging.system', 'messaging.operation.name', 'messaging.destination.name', 'error.type'],
    what: 'how long deliveries of the alerts queue took',
  },
  'messaging.client.sent.messages': {
    kind: 'counter',
    unit: '{message}',
    by: ['messaging.system', 'messaging.operation.name', 'messaging.destination.name', 'error.type'],
    what: 'messages put into each queue',
  },
  'http.server.request.duration': {
    kind: 'histogram',
    unit: 's',
    by: ['http.request.method', 'http.route', 'http.response.status_code', 'error.type'],
    what: 'requests to the HTTP functions',
  },
  'http.client.request.duration': {
    kind: 'histogram',
    unit: 's',
    by: ['http.request.method', 'url.template', 'server.address', 'http.response.status_code', 'error.type'],
    what: 'calls to Defender and Microsoft Graph by route and status; their number is its count',
  },
  'alert_enrichment.submissions': {
    kind: 'counter',
    unit: '{submission}',
    by: ['alert_enrichment.outcome', 'alert_enrichment.reused', 'error.type'],
    what: 'submissions that came to their end',
  },
  'alert_enrichment.submission.age': {
    kind: 'histogram',
    unit: 's',
    by: ['alert_enrichment.outcome'],
    what: 'from when a submission was first seen to its end',
  },
  'alert_enrichment.deferrals': {
    kind: 'counter',
    unit: '{deferral}',
    by: ['alert_enrichment.reason'],
    what: 'submissions that were put back',
  },
  'alert_enrichment.rejections': {
    kind: 'counter',
    unit: '{message}',
    by: ['alert_enrichment.reason'],
    what: 'messages, or parts of them, that were no alert',
  },
  'alert_enrichment.ledger.conflicts': {
    kind: 'counter',
    unit: '{conflict}',
    by: [],
    what: 'changes of the quota ledger that another instance had forestalled',
  },
  'alert_enrichment.submission.oldest_age': {
    kind: 'gauge',
    unit: 's',
    by: [],
    what: 'age of the oldest submission that this instance has put back since the last export; 0 when there was none',
  },
  'alert_enrichment.queue.length': {
    kind: 'gauge',
    unit: '{message}',
    by: ['messaging.destination.name'],
    what: 'messages in the alerts queue, those that wait for their time included',
  },
  'alert_enrichment.quota.used': {
    kind: 'gauge',
    unit: '{call}',
    by: ['alert_enrichment.api', 'alert_enrichment.window'],
    what: 'calls that the window ending now has seen, of all instances',
  },
  'alert_enrichment.quota.permitted': {
    kind: 'gauge',
    unit: '{call}',
    by: ['alert_enrichment.api', 'alert_enrichment.window'],
    what: 'calls that share and rate leave of the window',
  },
  'alert_enrichment.circuit.open': {
    kind: 'gauge',
    unit: '1',
    by: ['alert_enrichment.api'],
    what: '1 while the API refuses the app and all alerts wait, else 0',
  },
} as const satisfies Record<
  string,
  { kind: 'counter' | 'histogram' | 'gauge'; unit: string; by: readonly string[]; what: string }
>;
export type MetricName = keyof typeof METRICS;

/** https://opentelemetry.io/docs/specs/semconv/http/http-metrics/ advises these. */
const REQUEST_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];
/** From an alert that is answered at once to one that has waited for a day. */
const AGE_BUCKETS = [1, 2, 5, 10, 30, 60, 120, 300, 600, 1_800, 3_600, 14_400, 43_200, 86_400];

/** What is counted of the app's work. */
export interface Metrics {
  /** Counts what the log is told, and what is only counted. Other events are none of its business. */
  record(event: { event: string }): void;
  spanEnded(name: SpanName, attributes: Attributes, seconds: number): void;
}

/**
 * Creates the instruments of `METRICS`.
 * @param reportQuota Asked at each export; when it fails, that export has no quota in it.
 */
export function createMetrics(
  meter: Meter,
  alertsQueue: string,
  reportQuota: () => Promise<QuotaReport>,
): Metrics {
  const optionsOf = (name: MetricName) => ({ unit: METRICS[name].unit, description: METRICS[name].what });
  const counter = (name: MetricName) => meter.createCounter(name, optionsOf(name));
  const gauge = (name: MetricName) => meter.createObservableGauge(name, optionsOf(name));
  const histogram = (name: MetricName, explicitBucketBoundaries: number[]): Histogram =>
    meter.createHistogram(name, { ...optionsOf(name), advice: { explicitBucketBoundaries } });

  const durations: Partial<Record<SpanName, { instrument: Histogram; by: readonly string[] }>> = {
    process: duration('messaging.process.duration'),
    request: duration('http.server.request.duration'),
    call: duration('http.client.request.duration'),
  };
  function duration(name: MetricName) {
    return { instrument: histogram(name, REQUEST_BUCKETS), by: METRICS[name].by };
  }
  const sent = counter('messaging.client.sent.messages');
  const submissions = counter('alert_enrichment.submissions');
  const ages = histogram('alert_enrichment.submission.age', AGE_BUCKETS);
  const deferrals = counter('alert_enrichment.deferrals');
  const rejections = counter('alert_enrichment.rejections');
  const conflicts = counter('alert_enrichment.ledger.conflicts');

  let oldestMs = 0;
  gauge('alert_enrichment.submission.oldest_age').addCallback((result) => {
    result.observe(oldestMs / 1_000);
    oldestMs = 0;
  });
  const quotaGauges = {
    length: gauge('alert_enrichment.queue.length'),
    used: gauge('alert_enrichment.quota.used'),
    permitted: gauge('alert_enrichment.quota.permitted'),
    circuit: gauge('alert_enrichment.circuit.open'),
  };
  meter.addBatchObservableCallback(async (result) => {
    const report = await reportQuota().catch(() => undefined);
    if (report === undefined) {
      return;
    }
    result.observe(quotaGauges.length, report.queued, { 'messaging.destination.name': alertsQueue });
    const { source = 'defender', hunting } = report;
    for (const [api, quota] of Object.entries({ [source]: report, ...(hunting && { hunting }) })) {
      const attributes = { 'alert_enrichment.api': api };
      result.observe(quotaGauges.circuit, quota.circuit === null ? 0 : 1, attributes);
      for (const { limit, used, permitted } of quota.windows) {
        const inWindow = {
          ...attributes,
          'alert_enrichment.window': `${limit.calls}/${limit.windowMs / 1_000}s`,
        };
        result.observe(quotaGauges.used, used, inWindow);
        result.observe(quotaGauges.permitted, permitted, inWindow);
      }
    }
  }, Object.values(quotaGauges));

  function recordSubmission(event: Extract<MessageEvent, { event: 'submission' }>): void {
    const { result, reused = false, reason, ageMs } = event;
    switch (result) {
      case 'deferred':
        deferrals.add(1, { 'alert_enrichment.reason': reason ?? 'unknown' });
        oldestMs = Math.max(oldestMs, ageMs);
        return;
      case 'repeated':
        return;
      default:
        submissions.add(1, {
          'alert_enrichment.outcome': result,
          'alert_enrichment.reused': reused,
          ...(reason !== undefined && { 'error.type': reason }),
        });
        ages.record(ageMs / 1_000, { 'alert_enrichment.outcome': result });
    }
  }

  return {
    record(event) {
      switch (event.event) {
        case 'submission':
          return recordSubmission(event as Extract<MessageEvent, { event: 'submission' }>);
        case 'rejected':
          return rejections.add(1, {
            'alert_enrichment.reason': (event as Extract<MessageEvent, { event: 'rejected' }>).reason,
          });
        case 'ledger_conflict':
          return conflicts.add(1);
      }
    },
    spanEnded(name, attributes, seconds) {
      if (name === 'send' || name === 'defer') {
        sent.add(1, only(attributes, METRICS['messaging.client.sent.messages'].by));
      }
      const { instrument, by } = durations[name] ?? {};
      instrument?.record(seconds, only(attributes, by ?? []));
    },
  };
}

function only(attributes: Attributes, names: readonly string[]): Attributes {
  return Object.fromEntries(Object.entries(attributes).filter(([name]) => names.includes(name)));
}
