/**
 * The parts of the app report their work here, as spans and events. Until `useTelemetry` sets a listener, reports are dropped
 * and work runs unchanged. The listener is ambient, as the span that work belongs to is: code that begins a span need not
 * know its parent.
 */

/** The place in a trace that a message or a request comes from, as W3C Trace Context writes it. */
export interface TraceContext {
  traceparent?: string | undefined;
  tracestate?: string | undefined;
}

/** The spans of this app; docs/telemetry.md is made of this. */
export const SPANS = {
  request: { kind: 'server', name: '{method} {route}', what: 'a request to one of the HTTP functions' },
  poll: {
    kind: 'internal',
    name: 'poll',
    what: 'a pass of the poller; each alert that it finds begins a trace of its own, linked to this span',
    scatters: true,
  },
  send: {
    kind: 'producer',
    name: 'send {queue}',
    what: 'a message is put into a queue: a new submission, an enrichment, a dead letter',
  },
  process: {
    kind: 'consumer',
    name: 'process {queue}',
    what: 'one delivery of a message of the alerts queue, from intake to its end or its deferral',
  },
  claim: { kind: 'internal', name: 'claim', what: 'the alert is claimed for this message' },
  'look up': {
    kind: 'internal',
    name: 'look up',
    what: 'the source is asked for the device, in one call or several',
  },
  'wait for quota': { kind: 'internal', name: 'wait for quota', what: 'a slot for one call is waited for' },
  call: {
    kind: 'client',
    name: '{method} {route}',
    what: 'one call to the Defender API or to Microsoft Graph',
  },
  store: { kind: 'internal', name: 'store', what: 'the answer goes into the row of the alert' },
  defer: {
    kind: 'client',
    name: 'defer {queue}',
    what: 'the submission is put back with a delay; its next delivery belongs to the same trace',
  },
} as const satisfies Record<string, SpanNotes>;
export type SpanName = keyof typeof SPANS;

/** What is known of a span before it begins. */
export interface SpanNotes {
  kind: 'server' | 'client' | 'producer' | 'consumer' | 'internal';
  /** What in braces is an attribute: `http.request.method`, `http.route` or `url.template`, `messaging.destination.name`. */
  name: string;
  what: string;
  /** Messages that are sent in it begin traces of their own: they have nothing in common but that. */
  scatters?: true;
}

/** Facts about a span; one that is undefined is left out. */
export type Attributes = Record<string, string | number | boolean | undefined>;

/** What a span begins with. */
export interface SpanOptions {
  attributes?: Attributes;
  /** Where the work comes from, when that is no span of this process that is under way. */
  parent?: TraceContext | undefined;
}

/** A span under way. It ends with its work, and has failed when that throws. */
export interface Span {
  set(attributes: Attributes): void;
  /** Says that the work came to nothing although it does not throw. @param type A stable word or a status code. */
  fail(type: string): void;
  /** What a message must carry that continues this trace; nothing without a listener. */
  readonly context: TraceContext;
}

/** A listener. It must not throw, and must not keep the work waiting. */
export interface Telemetry {
  span<Result>(name: SpanName, options: SpanOptions, work: (span: Span) => Promise<Result>): Promise<Result>;
  /** Something that has happened. @param event As the log holds it, or one that is only counted. */
  record(event: { event: string }): void;
}

/** For a listener that only hears events. */
export const NO_SPAN: Span = { set: () => undefined, fail: () => undefined, context: {} };
const NOBODY: Telemetry = { span: (_name, _options, work) => work(NO_SPAN), record: () => undefined };

let telemetry = NOBODY;

/** Sets the listener of the whole process; none when left out. */
export function useTelemetry(listener: Telemetry = NOBODY): void {
  telemetry = listener;
}

/**
 * Does work as a span of its own.
 * @example await span('claim', {}, () => claimAlert(submission, identity, deps))
 */
export function span<Result>(
  name: SpanName,
  options: SpanOptions,
  work: (span: Span) => Promise<Result>,
): Promise<Result> {
  return telemetry.span(name, options, work);
}

/** Tells that something has happened. */
export function record(event: { event: string }): void {
  telemetry.record(event);
}

/** What kind of error it is, in a stable word. Its message is no business of telemetry: it may quote what it is about. */
export function errorType(error: unknown): string {
  if (!(error instanceof Error)) {
    return 'unknown';
  }
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name;
}
