import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gunzipSync } from 'node:zlib';
import protobuf from 'protobufjs';

/** A span as a collector gets it; IDs are hexadecimal, times are milliseconds. */
export interface CollectedSpan {
  traceId: string;
  spanId: string;
  parentSpanId: string;
  name: string;
  kind: string;
  startMs: number;
  endMs: number;
  attributes: Record<string, unknown>;
  links: { traceId: string; spanId: string }[];
  failed: boolean;
  scope: string;
  resource: Record<string, unknown>;
}

/** The last value of a metric for one set of attributes: of a histogram its count and sum. */
export interface CollectedPoint {
  name: string;
  unit: string;
  attributes: Record<string, unknown>;
  value?: number;
  count?: number;
  sum?: number;
}

/** A collector's HTTP endpoint (https://opentelemetry.io/docs/specs/otlp/#otlphttp-request) that keeps what it gets. */
export interface OtlpCollector {
  readonly url: string;
  readonly spans: readonly CollectedSpan[];
  /** Points of the metric as they were exported last. */
  points(name: string): CollectedPoint[];
  /** Names of all metrics seen. */
  metricNames(): string[];
  /** All bytes of all requests, with their headers, as text. */
  everything(): string;
  /** From now on requests are taken and never answered. */
  hang(): void;
  close(): Promise<void>;
}

export async function startOtlpCollector(): Promise<OtlpCollector> {
  const spans: CollectedSpan[] = [];
  const points = new Map<string, CollectedPoint>();
  const received: string[] = [];
  let isHanging = false;

  function take(path: string, body: Buffer): void {
    if (path === '/v1/traces') {
      spans.push(...spansOf(decode('ExportTraceServiceRequest', body)));
    } else {
      for (const point of pointsOf(decode('ExportMetricsServiceRequest', body))) {
        points.set(JSON.stringify([point.name, Object.entries(point.attributes).sort()]), point);
      }
    }
  }

  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      if (isHanging) {
        return;
      }
      const raw = Buffer.concat(chunks);
      const body = request.headers['content-encoding'] === 'gzip' ? gunzipSync(raw) : raw;
      received.push(JSON.stringify(request.headers), body.toString('latin1'));
      const isTaken =
        request.method === 'POST' &&
        request.headers['content-type'] === 'application/x-protobuf' &&
        ['/v1/traces', '/v1/metrics'].includes(request.url ?? '');
      if (isTaken) {
        take(request.url ?? '', body);
      }
      response.writeHead(isTaken ? 200 : 400, { 'content-type': 'application/x-protobuf' }).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    spans,
    points: (name) => [...points.values()].filter((point) => point.name === name),
    metricNames: () => [...new Set([...points.values()].map(({ name }) => name))].sort(),
    everything: () => received.join('\n'),
    hang() {
      isHanging = true;
    },
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/**
 * As much of the protocol as is looked at, by the numbers of
 * https://github.com/open-telemetry/opentelemetry-proto/tree/v1.9.0/opentelemetry/proto
 */
const { root } = protobuf.parse(`
  syntax = "proto3";
  message AnyValue {
    oneof value {
      string string_value = 1; bool bool_value = 2; int64 int_value = 3; double double_value = 4;
      ArrayValue array_value = 5;
    }
  }
  message ArrayValue { repeated AnyValue values = 1; }
  message KeyValue { string key = 1; AnyValue value = 2; }
  message Resource { repeated KeyValue attributes = 1; }
  message Scope { string name = 1; string version = 2; }

  message ExportTraceServiceRequest { repeated ResourceSpans resource_spans = 1; }
  message ResourceSpans { Resource resource = 1; repeated ScopeSpans scope_spans = 2; }
  message ScopeSpans { Scope scope = 1; repeated Span spans = 2; }
  message Span {
    bytes trace_id = 1; bytes span_id = 2; bytes parent_span_id = 4; string name = 5; SpanKind kind = 6;
    fixed64 start_time_unix_nano = 7; fixed64 end_time_unix_nano = 8; repeated KeyValue attributes = 9;
    repeated Event events = 11; repeated Link links = 13; Status status = 15;
  }
  enum SpanKind { UNSPECIFIED = 0; INTERNAL = 1; SERVER = 2; CLIENT = 3; PRODUCER = 4; CONSUMER = 5; }
  message Event { fixed64 time_unix_nano = 1; string name = 2; repeated KeyValue attributes = 3; }
  message Link { bytes trace_id = 1; bytes span_id = 2; repeated KeyValue attributes = 4; }
  message Status { string message = 2; int32 code = 3; }

  message ExportMetricsServiceRequest { repeated ResourceMetrics resource_metrics = 1; }
  message ResourceMetrics { Resource resource = 1; repeated ScopeMetrics scope_metrics = 2; }
  message ScopeMetrics { Scope scope = 1; repeated Metric metrics = 2; }
  message Metric {
    string name = 1; string description = 2; string unit = 3;
    oneof data { Numbers gauge = 5; Numbers sum = 7; Histogram histogram = 9; }
  }
  message Numbers { repeated NumberPoint data_points = 1; }
  message NumberPoint {
    repeated KeyValue attributes = 7; oneof value { double as_double = 4; sfixed64 as_int = 6; }
  }
  message Histogram { repeated HistogramPoint data_points = 1; }
  message HistogramPoint { repeated KeyValue attributes = 9; fixed64 count = 4; double sum = 5; }
`);

// biome-ignore lint/suspicious/noExplicitAny: what the reader of the protocol gives has the shape of the text above.
type Message = any;

function decode(type: string, body: Buffer): Message {
  const messageType = root.lookupType(type);
  return messageType.toObject(messageType.decode(body), {
    longs: Number,
    enums: String,
    bytes: Buffer,
    arrays: true,
  });
}

function spansOf({ resourceSpans }: Message): CollectedSpan[] {
  return resourceSpans.flatMap(({ resource, scopeSpans }: Message) =>
    scopeSpans.flatMap(({ scope, spans }: Message) =>
      spans.map((span: Message) => ({
        traceId: hex(span.traceId),
        spanId: hex(span.spanId),
        parentSpanId: hex(span.parentSpanId),
        name: span.name,
        kind: span.kind,
        startMs: span.startTimeUnixNano / 1e6,
        endMs: span.endTimeUnixNano / 1e6,
        attributes: valuesOf(span.attributes),
        links: span.links.map((link: Message) => ({ traceId: hex(link.traceId), spanId: hex(link.spanId) })),
        failed: span.status?.code === 2,
        scope: scope.name,
        resource: valuesOf(resource.attributes),
      })),
    ),
  );
}

function pointsOf({ resourceMetrics }: Message): CollectedPoint[] {
  return resourceMetrics.flatMap(({ scopeMetrics }: Message) =>
    scopeMetrics.flatMap(({ metrics }: Message) =>
      metrics.flatMap(({ name, unit, gauge, sum, histogram }: Message) =>
        (gauge ?? sum ?? histogram).dataPoints.map((point: Message) => ({
          name,
          unit,
          attributes: valuesOf(point.attributes),
          ...(histogram === undefined
            ? { value: point.asDouble ?? point.asInt ?? 0 }
            : { count: point.count, sum: point.sum }),
        })),
      ),
    ),
  );
}

function hex(bytes: Buffer | undefined): string {
  return bytes === undefined ? '' : Buffer.from(bytes).toString('hex');
}

function valuesOf(attributes: Message[]): Record<string, unknown> {
  return Object.fromEntries(
    attributes.map(({ key, value }) => [
      key,
      value.stringValue ?? value.boolValue ?? value.intValue ?? value.doubleValue ?? value.arrayValue,
    ]),
  );
}
