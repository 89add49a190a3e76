import { OTLPMetricExporter } from '@opentelemetry/exporter-metrics-otlp-proto';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import type { Exporters } from './start.ts';

/** Sends by OTLP, as protobuf over HTTP. Address, headers and timeout are what the `OTEL_EXPORTER_OTLP_` variables say. */
export function createOtlpExporters(): Exporters {
  return { spans: new OTLPTraceExporter(), metrics: new OTLPMetricExporter() };
}
