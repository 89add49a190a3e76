import type { Instrumenter, TracingContext, TracingSpan } from '@azure/core-tracing';
import {
  type Attributes,
  type Context,
  context,
  defaultTextMapGetter,
  defaultTextMapSetter,
  type Span,
  SpanKind,
  SpanStatusCode,
  type TracerProvider,
  trace,
} from '@opentelemetry/api';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import { errorType } from '../telemetry/telemetry.ts';

const propagator = new W3CTraceContextPropagator();
/** The SDKs' names from before there were conventions, by today's. */
const NAMES: Readonly<Record<string, string>> = {
  'http.url': 'url.full',
  'http.method': 'http.request.method',
  'http.status_code': 'http.response.status_code',
  'http.user_agent': 'user_agent.original',
  requestId: 'az.client_request_id',
  serviceRequestId: 'az.service_request_id',
};

/**
 * Takes the spans that the Azure SDKs begin for their operations and requests, for storage and for sign-in alike. It is what
 * `@azure/opentelemetry-instrumentation-azure-sdk` does, which finds the SDKs as they are loaded from node_modules and so
 * finds none in a bundle.
 */
export function azureSdkInstrumenter(provider: TracerProvider): Instrumenter {
  return {
    startSpan(name, { tracingContext, packageName, packageVersion, spanKind, spanAttributes, spanLinks }) {
      const parent = openContext(tracingContext);
      const links = (spanLinks ?? []).flatMap((link) => {
        const target = trace.getSpanContext(openContext(link.tracingContext));
        return target === undefined ? [] : [{ context: target }];
      });
      const span = provider.getTracer(packageName, packageVersion).startSpan(
        name,
        {
          kind: SpanKind[(spanKind ?? 'internal').toUpperCase() as keyof typeof SpanKind],
          attributes: renamed(spanAttributes ?? {}),
          links,
        },
        parent,
      );
      return { span: wrapped(span), tracingContext: trace.setSpan(parent, span) as TracingContext };
    },
    withContext: (tracingContext, callback, ...args) =>
      context.with(openContext(tracingContext), () => callback(...args)),
    parseTraceparentHeader: (traceparent) =>
      propagator.extract(context.active(), { traceparent }, defaultTextMapGetter) as TracingContext,
    createRequestHeaders(tracingContext) {
      const headers: Record<string, string> = {};
      propagator.inject(openContext(tracingContext), headers, defaultTextMapSetter);
      return headers;
    },
  };
}

/** The SDKs carry the context around without knowing what it is. */
function openContext(tracingContext: TracingContext | undefined): Context {
  return (tracingContext as Context | undefined) ?? context.active();
}

function wrapped(span: Span): TracingSpan {
  return {
    setAttribute: (name, value) => void span.setAttributes(renamed({ [name]: value })),
    setStatus(status) {
      if (status.status === 'error') {
        span.setAttributes({ 'error.type': errorType(status.error) });
        span.setStatus({ code: SpanStatusCode.ERROR });
      }
    },
    // The message and the stack of an error may quote what a request was about.
    recordException: () => undefined,
    isRecording: () => span.isRecording(),
    end: () => span.end(),
  };
}

function renamed(attributes: Record<string, unknown>): Attributes {
  const plain = Object.entries(attributes).filter(([, value]) =>
    ['string', 'number', 'boolean'].includes(typeof value),
  );
  return Object.fromEntries(plain.map(([name, value]) => [NAMES[name] ?? name, value])) as Attributes;
}
