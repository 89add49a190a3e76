import {
  type Attributes,
  type Context,
  context,
  createContextKey,
  defaultTextMapGetter,
  defaultTextMapSetter,
  type Link,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  type Tracer,
  trace,
} from '@opentelemetry/api';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import {
  errorType,
  type Attributes as GivenAttributes,
  SPANS,
  type SpanName,
  type SpanNotes,
  type Telemetry,
  type TraceContext,
} from '../telemetry/telemetry.ts';
import type { Metrics } from './metrics.ts';

const propagator = new W3CTraceContextPropagator();
const KINDS = {
  server: SpanKind.SERVER,
  client: SpanKind.CLIENT,
  producer: SpanKind.PRODUCER,
  consumer: SpanKind.CONSUMER,
  internal: SpanKind.INTERNAL,
} as const satisfies Record<SpanNotes['kind'], SpanKind>;
/** Not in the list of the conventions, which leaves the name to others then. */
const MESSAGING_SYSTEM = { 'messaging.system': 'azure_queue_storage' };
/** Set while a span is under way whose messages begin traces of their own. */
const SCATTERS = createContextKey('messages begin traces');

/**
 * Spans and metrics by OpenTelemetry.
 * @param alertsQueue Name of the queue whose messages are processed.
 */
export function createTelemetry(tracer: Tracer, metrics: Metrics, alertsQueue: string): Telemetry {
  return {
    record: metrics.record,
    async span(name, { attributes: given = {}, parent }, work) {
      const attributes: Attributes = { ...conventions(name, alertsQueue), ...known(given) };
      const { origin, links } = originOf(name, parent);
      const { kind } = SPANS[name];
      const span = tracer.startSpan(
        nameOf(name, attributes),
        { kind: KINDS[kind], attributes, links },
        origin,
      );
      const startedAt = performance.now();
      const set = (more: GivenAttributes) => {
        Object.assign(attributes, known(more));
        span.setAttributes(known(more));
      };
      const fail = (type: string) => {
        set({ 'error.type': type });
        span.setStatus({ code: SpanStatusCode.ERROR });
      };
      try {
        const inside = trace.setSpan(origin, span).setValue(SCATTERS, isScattering(name));
        return await context.with(inside, () => work({ set, fail, context: contextOf(inside) }));
      } catch (error) {
        // Of an error no more than its kind: a message may quote what it was about.
        fail(errorType(error));
        throw error;
      } finally {
        span.end();
        metrics.spanEnded(name, attributes, (performance.now() - startedAt) / 1_000);
      }
    },
  };
}

/** Does work as a part of what the Functions host traces: the invocation. */
export function within<Result>(invocation: TraceContext, work: () => Result): Result {
  return context.with(readContext(invocation), work);
}

/**
 * Where a span belongs: to the parent that is named, with a link to the span under way, unless that belongs to the same
 * trace already and is nearer.
 */
function originOf(name: SpanName, parent: TraceContext | undefined): { origin: Context; links: Link[] } {
  const current = context.active();
  const active = trace.getSpanContext(current);
  const named = readContext(parent ?? {});
  const namedSpan = trace.getSpanContext(named);
  const toActive = active === undefined ? [] : [{ context: active }];
  if (namedSpan === undefined) {
    const isScattered = name === 'send' && current.getValue(SCATTERS) === true;
    return isScattered ? { origin: ROOT_CONTEXT, links: toActive } : { origin: current, links: [] };
  }
  if (namedSpan.traceId === active?.traceId) {
    return { origin: current, links: [] };
  }
  // The conventions ask for a link to where the message comes from, beside the parent.
  const toOrigin = name === 'process' ? [{ context: namedSpan }] : [];
  return { origin: named, links: [...toOrigin, ...toActive] };
}

function isScattering(name: SpanName): boolean {
  return 'scatters' in SPANS[name];
}

/** A context without a span for what is none by the standard. */
function readContext({ traceparent, tracestate }: TraceContext): Context {
  const carrier = { ...(traceparent && { traceparent }), ...(tracestate && { tracestate }) };
  return propagator.extract(ROOT_CONTEXT, carrier, defaultTextMapGetter);
}

function contextOf(inside: Context): TraceContext {
  const carrier: TraceContext = {};
  propagator.inject(inside, carrier, defaultTextMapSetter);
  return carrier;
}

function conventions(name: SpanName, alertsQueue: string): Attributes {
  switch (name) {
    case 'process':
      return { ...MESSAGING_SYSTEM, 'messaging.destination.name': alertsQueue };
    case 'send':
    case 'defer':
      return MESSAGING_SYSTEM;
    default:
      return {};
  }
}

function known(attributes: GivenAttributes): Attributes {
  return Object.fromEntries(Object.entries(attributes).filter(([, value]) => value !== undefined));
}

function nameOf(name: SpanName, attributes: Attributes): string {
  return SPANS[name].name
    .replace('{method}', String(attributes['http.request.method']))
    .replace('{route}', String(attributes['http.route'] ?? attributes['url.template']))
    .replace('{queue}', String(attributes['messaging.destination.name']));
}
