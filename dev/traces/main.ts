/** `npm run trace`: draws the trace of one alert that is ordered by HTTP and put back twice, as docs/trace.svg. */
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { startStack } from '../stack/stack.ts';
import { startOtlpCollector } from './otlpCollector.ts';
import { placeSpans } from './tree.ts';
import { waterfall } from './waterfall.ts';

const FILE = fileURLToPath(new URL('../../docs/trace.svg', import.meta.url));

const [stack, collector] = await Promise.all([startStack(), startOtlpCollector()]);
try {
  const host = await stack.startHost({
    settings: {
      TELEMETRY: 'otlp',
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      OTEL_BSP_SCHEDULE_DELAY: '100',
      NOT_FOUND_RETRIES: '1s',
      RETRY_BASE_DELAY: '500ms',
      BULK_LOOKUPS: 'off',
    },
  });
  const { control } = stack.simulator;
  // The first alert brings the token and the connections; the second is drawn.
  const [first, second] = control.addNewAlerts(2);
  await order(host.url, first?.id ?? '', '');
  await enriched(first?.id ?? '');
  const alertId = second?.id ?? '';
  control.scriptFaults({ alertId, answers: ['not-found', { kind: 'throttle-seconds', waitSeconds: 2 }] });
  const traceId = randomBytes(16).toString('hex');
  await order(host.url, alertId, `00-${traceId}-${randomBytes(8).toString('hex')}-01`);
  await enriched(alertId);
  await host.stop();
  const spans = placeSpans(collector.spans.filter((span) => span.traceId === traceId));
  // The requests behind the SDKs' operations would make it twice as long.
  writeFileSync(FILE, waterfall(spans.filter(({ span }) => !/^HTTP (POST|PUT|PATCH|GET)$/.test(span.name))));
  for (const { span, depth } of spans) {
    const { name, startMs, endMs, attributes } = span;
    const facts = [attributes['alert_enrichment.result'], attributes['http.response.status_code']].filter(
      Boolean,
    );
    console.log(`${'  '.repeat(depth)}${name}  ${(endMs - startMs).toFixed(0)} ms  ${facts.join(' ')}`);
  }
  console.log(`\n${spans.length} spans, drawn in docs/trace.svg`);
} finally {
  await stack.stop();
  await collector.close();
}

async function order(url: string, alertId: string, traceparent: string): Promise<void> {
  const response = await fetch(`${url}/api/enrichments`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', traceparent },
    body: JSON.stringify({ alertId }),
  });
  if (response.status !== 202) {
    throw new Error(`The order was answered with ${response.status}: ${await response.text()}`);
  }
}

/** Until the span of the delivery that enriched the alert has arrived. */
async function enriched(alertId: string): Promise<void> {
  const end = Date.now() + 60_000;
  const isThere = () =>
    collector.spans.some(
      ({ attributes }) =>
        attributes['alert_enrichment.alert.id'] === alertId &&
        attributes['alert_enrichment.result'] === 'enriched',
    );
  while (!isThere()) {
    if (Date.now() > end) {
      throw new Error(`The alert ${alertId} was not enriched within a minute.`);
    }
    await delay(50);
  }
}
