import { context, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { azureSdkInstrumenter } from '#shared/opentelemetry/azureSdk.ts';
import { createTelemetry, within } from '#shared/opentelemetry/tracing.ts';
import { span, type TraceContext, useTelemetry } from '#shared/telemetry/telemetry.ts';

const ORIGIN = { traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', tracestate: 'a=1' };
const HOST = { traceparent: '00-11111111111111111111111111111111-2222222222222222-01' };
const exporter = new InMemorySpanExporter();
const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
const ended: { name: string; attributes: Record<string, unknown>; seconds: number }[] = [];

beforeAll(() => {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  const metrics = {
    record: () => undefined,
    spanEnded: (name: string, attributes: Record<string, unknown>, seconds: number) =>
      void ended.push({ name, attributes, seconds }),
  };
  useTelemetry(createTelemetry(provider.getTracer('test'), metrics, 'alerts'));
});
beforeEach(() => {
  exporter.reset();
  ended.length = 0;
});
afterAll(() => {
  useTelemetry();
  context.disable();
});

const nothing = async () => undefined;
const toQueue = (queue: string) => ({ 'messaging.destination.name': queue });

/** What was exported under this name, with IDs alone. */
function exported(name: string) {
  const found = exporter.getFinishedSpans().filter((one) => one.name === name);
  const [one] = found;
  expect(found).toHaveLength(1);
  return {
    traceId: one?.spanContext().traceId,
    spanId: one?.spanContext().spanId,
    parent: one?.parentSpanContext?.spanId,
    links: one?.links.map(({ context: { traceId, spanId } }) => ({ traceId, spanId })),
    attributes: one?.attributes,
    status: one?.status,
    events: one?.events,
  };
}

describe('a span', () => {
  test('belongs to the span that is under way', async () => {
    await span('process', {}, () => span('claim', {}, nothing));
    expect(exported('claim').parent).toBe(exported('process alerts').spanId);
  });

  test('belongs to the trace that a message came from, with a link to it', async () => {
    await span('process', { parent: ORIGIN }, nothing);
    const { traceId, parent, links } = exported('process alerts');
    expect({ traceId, parent, links }).toEqual({
      traceId: '0af7651916cd43dd8448eb211c80319c',
      parent: 'b7ad6b7169203331',
      links: [{ traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331' }],
    });
  });

  test('stays with the span under way when that belongs to the same trace already', async () => {
    await span('request', { parent: ORIGIN }, () =>
      span('send', { parent: ORIGIN, attributes: toQueue('alerts') }, nothing),
    );
    const request = exporter.getFinishedSpans().find(({ kind }) => kind === 1);
    expect(exported('send alerts')).toMatchObject({ parent: request?.spanContext().spanId, links: [] });
  });

  test("links to the host's invocation when the message belongs to another trace", async () => {
    await within(HOST, () => span('process', { parent: ORIGIN }, nothing));
    expect(exported('process alerts')).toMatchObject({ parent: 'b7ad6b7169203331' });
    expect(exported('process alerts').links).toContainEqual({
      traceId: '11111111111111111111111111111111',
      spanId: '2222222222222222',
    });
  });

  test("is part of the host's invocation when a message brings no trace", async () => {
    await within(HOST, () => span('process', {}, nothing));
    expect(exported('process alerts')).toMatchObject({ parent: '2222222222222222', links: [] });
  });

  test.each<TraceContext>([
    {},
    { traceparent: '' },
    { traceparent: 'nonsense' },
    { traceparent: '00-00000000000000000000000000000000-b7ad6b7169203331-01' },
  ])('begins a trace where none is named by the standard: %j', async (parent) => {
    await span('process', { parent }, nothing);
    expect(exported('process alerts')).toMatchObject({ parent: undefined, links: [] });
  });

  test('hands on its place in the trace, with the tracestate of where it came from', async () => {
    let handedOn: TraceContext = {};
    await span('process', { parent: ORIGIN }, async (process) => {
      handedOn = process.context;
    });
    const { traceId, spanId } = exported('process alerts');
    expect(handedOn).toEqual({ traceparent: `00-${traceId}-${spanId}-01`, tracestate: 'a=1' });
  });

  test('that throws has failed, and says of the error no more than its kind', async () => {
    const fault = Object.assign(new Error('key=secret'), { code: 'ECONNRESET' });
    await expect(span('claim', {}, () => Promise.reject(fault))).rejects.toBe(fault);
    const { attributes, status, events } = exported('claim');
    expect(attributes).toEqual({ 'error.type': 'ECONNRESET' });
    expect(status).toEqual({ code: 2 });
    expect(events).toEqual([]);
  });

  test('ends with its work, and its length and last facts reach the metrics', async () => {
    await span(
      'call',
      { attributes: { 'http.request.method': 'GET', 'url.template': '/a/{id}', gone: undefined } },
      async (call) => {
        call.set({ 'http.response.status_code': 404 });
        call.fail('404');
      },
    );
    expect(exported('GET /a/{id}').attributes).toEqual({
      'http.request.method': 'GET',
      'url.template': '/a/{id}',
      'http.response.status_code': 404,
      'error.type': '404',
    });
    expect(ended).toMatchObject([{ name: 'call', attributes: { 'error.type': '404' } }]);
    expect(ended[0]?.seconds).toBeGreaterThanOrEqual(0);
  });
});

test('messages that a pass of the poller sends begin traces of their own, linked to it', async () => {
  await span('poll', {}, async () => {
    await span('send', { attributes: toQueue('alerts') }, nothing);
    await span('send', { attributes: toQueue('others') }, nothing);
  });
  const poll = exported('poll');
  const sent = [exported('send alerts'), exported('send others')];
  expect(new Set([poll, ...sent].map(({ traceId }) => traceId)).size).toBe(3);
  for (const { parent, links } of sent) {
    expect(parent).toBeUndefined();
    expect(links).toEqual([{ traceId: poll.traceId, spanId: poll.spanId }]);
  }
});

test('without a listener work runs as it is, and a message carries nothing', async () => {
  const listener = createTelemetry(
    provider.getTracer('test'),
    { record: () => undefined, spanEnded: () => undefined },
    'alerts',
  );
  useTelemetry();
  try {
    expect(await span('process', { parent: ORIGIN }, async (process) => process.context)).toEqual({});
    expect(exporter.getFinishedSpans()).toEqual([]);
  } finally {
    useTelemetry(listener);
  }
});

describe('a span of an Azure SDK', () => {
  test('belongs to ours, has the names of the conventions, and nothing of an error but its kind', async () => {
    const instrumenter = azureSdkInstrumenter(provider);
    await span('store', {}, async () => {
      const { span: operation, tracingContext } = instrumenter.startSpan('TableClient.updateEntity', {
        packageName: '@azure/data-tables',
        spanAttributes: { 'http.url': 'https://a/b', 'http.method': 'PUT', strange: { deep: 1 } },
        spanKind: 'client',
      });
      operation.setAttribute('http.status_code', 412);
      operation.recordException(new Error('sig=secret'));
      operation.setStatus({
        status: 'error',
        error: Object.assign(new Error('sig=secret'), { code: 'UpdateConditionNotSatisfied' }),
      });
      expect(instrumenter.createRequestHeaders(tracingContext).traceparent).toContain(
        trace.getSpanContext(context.active())?.traceId,
      );
      operation.end();
    });
    const { parent, attributes, status, events } = exported('TableClient.updateEntity');
    expect(parent).toBe(exported('store').spanId);
    expect(attributes).toEqual({
      'url.full': 'https://a/b',
      'http.request.method': 'PUT',
      'http.response.status_code': 412,
      'error.type': 'UpdateConditionNotSatisfied',
    });
    expect({ status, events }).toEqual({ status: { code: 2 }, events: [] });
  });
});
