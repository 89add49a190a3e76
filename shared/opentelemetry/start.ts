import { useInstrumenter } from '@azure/core-tracing';
import { context } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { getNumberFromEnv, setGlobalErrorHandler, suppressTracing } from '@opentelemetry/core';
import {
  defaultResource,
  detectResources,
  envDetector,
  type Resource,
  resourceFromAttributes,
  serviceInstanceIdDetector,
} from '@opentelemetry/resources';
import {
  MeterProvider,
  PeriodicExportingMetricReader,
  type PushMetricExporter,
} from '@opentelemetry/sdk-metrics';
import { BasicTracerProvider, BatchSpanProcessor, type SpanExporter } from '@opentelemetry/sdk-trace-base';
import type { TelemetrySettings } from '../config/telemetrySettings.ts';
import { withinTime } from '../promises.ts';
import type { QuotaReport } from '../quota/quotaReport.ts';
import { errorType, type TraceContext, useTelemetry } from '../telemetry/telemetry.ts';
import { azureSdkInstrumenter } from './azureSdk.ts';
import { createMetrics } from './metrics.ts';
import { createTelemetry, within } from './tracing.ts';

const SCOPE = 'defender-alert-enrichment';
/** A process that ends waits no longer for what is still to be sent: the host gives it 10 s, or 5 s at a crash. */
const LONGEST_SHUTDOWN_MS = 3_000;
/** As the specification has it; the metric reader does not ask the environment itself. */
const EXPORT_INTERVAL_MS = 60_000;

/** What an operator can do when nothing arrives. */
const ADVICE = {
  otlp: 'Check OTEL_EXPORTER_OTLP_ENDPOINT and OTEL_EXPORTER_OTLP_HEADERS.',
  'azure-monitor':
    "Check APPLICATIONINSIGHTS_CONNECTION_STRING, and that the app's identity has the role Monitoring Metrics Publisher.",
} as const;

/** What sends spans and metrics somewhere. */
export interface Exporters {
  spans: SpanExporter;
  metrics: PushMetricExporter;
}

/** What OpenTelemetry is started with. */
export interface OpenTelemetryDeps {
  settings: Exclude<TelemetrySettings, { kind: 'off' }>;
  alertsQueue: string;
  environment: Record<string, string | undefined>;
  /** How the quota stands, at each export of metrics. */
  reportQuota: () => Promise<QuotaReport>;
  /** Hears, for a person, that something could not be sent. */
  warn: (message: string) => void;
}

/** OpenTelemetry once it is started. */
export interface RunningTelemetry {
  /** Does an invocation's work as a part of the host's trace of it, where the host traces to the same place. */
  invoke<Result>(invocation: TraceContext, work: () => Result): Result;
  /** Sends what is there, within a few seconds, and ends. Never throws. */
  shutdown(): Promise<void>;
}

/** Starts OpenTelemetry for the process: spans and metrics of the app, and the spans of the Azure SDKs. */
export async function startOpenTelemetry(deps: OpenTelemetryDeps): Promise<RunningTelemetry> {
  const { settings, alertsQueue, environment, reportQuota, warn } = deps;
  setGlobalErrorHandler((error) =>
    warn(`Telemetry could not be sent: ${reasonOf(error)}. ${ADVICE[settings.kind]}`),
  );
  const exporters = await createExporters(settings);
  const resource = resourceOf(environment);

  const contexts = new AsyncLocalStorageContextManager().enable();
  context.setGlobalContextManager(contexts);
  const tracers = new BasicTracerProvider({
    resource,
    spanProcessors: [new BatchSpanProcessor(exporters.spans)],
  });
  const exportIntervalMillis = getNumberFromEnv('OTEL_METRIC_EXPORT_INTERVAL') ?? EXPORT_INTERVAL_MS;
  const meters = new MeterProvider({
    resource,
    readers: [new PeriodicExportingMetricReader({ exporter: exporters.metrics, exportIntervalMillis })],
  });
  const quotaUntraced = () => context.with(suppressTracing(context.active()), reportQuota);
  const metrics = createMetrics(meters.getMeter(SCOPE), alertsQueue, quotaUntraced);
  useTelemetry(createTelemetry(tracers.getTracer(SCOPE), metrics, alertsQueue));
  useInstrumenter(azureSdkInstrumenter(tracers));

  const isHostTraced = environment.AzureFunctionsJobHost__telemetryMode?.toLowerCase() === 'opentelemetry';
  return {
    invoke: (invocation, work) => (isHostTraced ? within(invocation, work) : work()),
    async shutdown() {
      useTelemetry();
      const ended = Promise.allSettled([tracers.shutdown(), meters.shutdown()]);
      await withinTime(
        ended.then(() => undefined),
        LONGEST_SHUTDOWN_MS,
        () => undefined,
      );
      contexts.disable();
      context.disable();
    },
  };
}

/** Each is loaded where it is the one. */
async function createExporters(settings: OpenTelemetryDeps['settings']): Promise<Exporters> {
  if (settings.kind === 'otlp') {
    return (await import('./otlp.ts')).createOtlpExporters();
  }
  return (await import('./azureMonitor.ts')).createAzureMonitorExporters(settings);
}

/** What the operator says of the app comes first, then what Azure does. */
function resourceOf({ WEBSITE_SITE_NAME }: Record<string, string | undefined>): Resource {
  const azure = { 'cloud.provider': 'azure', 'cloud.platform': 'azure.functions' };
  const own = resourceFromAttributes({
    'service.name': WEBSITE_SITE_NAME ?? SCOPE,
    ...(WEBSITE_SITE_NAME !== undefined && azure),
  });
  return defaultResource()
    .merge(own)
    .merge(detectResources({ detectors: [serviceInstanceIdDetector, envDetector] }));
}

function reasonOf(error: unknown): string {
  const message = error instanceof Error ? error.message : JSON.stringify(error);
  const [first = ''] = message.split('\n', 1);
  return `${errorType(error)}, ${first.slice(0, 300)}`;
}
