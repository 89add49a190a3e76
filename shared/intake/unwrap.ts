import * as z from 'zod';
import type { Result } from '../result.ts';
import { checkSharedFields, describeIssues, type SharedFields } from './alertRequest.ts';
import { decodeBase64, decodeBody } from './decode.ts';
import { fieldsOf, isJsonObject, type JsonObject, listOf, textIn } from './jsonObject.ts';
import { type Fault, faulty } from './rejection.ts';
import { submissionSchema } from './submission.ts';

/** One thing in a message that may be an alert, with what its wrappings say about it. */
export interface Part {
  value: unknown;
  /** Hold where the part does not say otherwise itself. */
  shared: SharedFields;
  /** Whether it is an item of `alertIds`, where only IDs are taken. */
  isId?: boolean;
}

/** What is inside a payload once events, lists, records and incidents are taken off. */
export type Unwrapped =
  | { kind: 'one'; part: Part }
  /** `isMixed`: the sender chose the items one by one, so each that is no alert is told of on its own. */
  | { kind: 'list'; parts: Part[]; isMixed: boolean }
  | { kind: 'fault'; fault: Result<never, Fault> };

/** Takes off every wrapping, one inside the other: an event may carry a list, and a list events. */
export function unwrap(value: unknown, shared: SharedFields = {}, depth = 0): Unwrapped {
  if (depth > DEEPEST) {
    return fault(
      faulty(
        'not-an-alert',
        `more than ${DEEPEST} wrappings inside each other are not taken; send the alert itself`,
      ),
    );
  }
  if (Array.isArray(value)) {
    return unwrapArray(value, shared, depth);
  }
  if (!isJsonObject(value)) {
    return { kind: 'one', part: { value, shared } };
  }
  for (const open of WRAPPERS) {
    const opened = open(value, shared);
    if (opened === undefined) {
      continue;
    }
    if (opened.kind === 'content') {
      return unwrap(opened.value, opened.shared, depth + 1);
    }
    return opened;
  }
  return { kind: 'one', part: { value, shared } };
}

/** An event in a wrapper of Logic Apps is two; deeper wrapping has not been seen. */
const DEEPEST = 4;

/** What a wrapper has inside: content that may be wrapped again, or the parts themselves. */
type Opened = Unwrapped | { kind: 'content'; value: unknown; shared: SharedFields };
/** Undefined for an object that is not wrapped in this way. */
type Wrapper = (value: JsonObject, shared: SharedFields) => Opened | undefined;

/** An array of the sender's own: its items may be wrapped, but a bare array in it is a mistake. */
function unwrapArray(items: unknown[], shared: SharedFields, depth: number): Unwrapped {
  if (items.length === 0) {
    return empty('the list has no items; expected at least one alert');
  }
  const parts = items.flatMap((item): Part[] => {
    if (Array.isArray(item) || (isJsonObject(item) && Array.isArray(item.alertIds))) {
      return [{ value: item, shared }];
    }
    const inner = unwrap(item, shared, depth + 1);
    if (inner.kind === 'list') {
      return inner.parts;
    }
    return inner.kind === 'one' ? [inner.part] : [{ value: item, shared }];
  });
  return { kind: 'list', parts, isMixed: true };
}

/** Logic Apps hands a body that it takes for binary on as `{"$content-type", "$content"}`. */
const logicAppsContent: Wrapper = (value, shared) =>
  typeof value.$content === 'string' && Object.hasOwn(value, '$content-type')
    ? decoded(decodeBase64(value.$content), shared)
    : undefined;

/** The Service Bus connector of Logic Apps. */
const serviceBusMessage: Wrapper = (value, shared) =>
  typeof value.ContentData === 'string' &&
  (Object.hasOwn(value, 'ContentType') || Object.hasOwn(value, 'MessageId'))
    ? decoded(decodeBody(value.ContentData), shared)
    : undefined;

/** An event's ID is a good reference, but no reason to refuse an alert. */
const eventId = submissionSchema.shape.correlationId.catch(undefined);

/** CloudEvents 1.0, JSON format. */
const cloudEventSchema = z.object({
  specversion: z.literal('1.0', { error: 'only CloudEvents 1.0 is known' }),
  id: eventId,
  data: z.unknown().optional(),
  data_base64: z.string().optional(),
  // The extension for distributed tracing.
  traceparent: submissionSchema.shape.traceparent.catch(undefined),
  tracestate: submissionSchema.shape.tracestate.catch(undefined),
});

/** The Event Grid schema. */
const eventGridEventSchema = z.object({ id: eventId, data: z.unknown().optional() });

const event: Wrapper = (value, shared) => {
  const isCloudEvent = Object.hasOwn(value, 'specversion');
  if (!isCloudEvent && !(Object.hasOwn(value, 'eventType') && Object.hasOwn(value, 'data'))) {
    return undefined;
  }
  const parsed: z.ZodSafeParseResult<{
    id?: string | undefined;
    data?: unknown;
    data_base64?: string | undefined;
    traceparent?: string | undefined;
    tracestate?: string | undefined;
  }> = isCloudEvent ? cloudEventSchema.safeParse(value) : eventGridEventSchema.safeParse(value);
  if (!parsed.success) {
    return fault(faulty('bad-field', `the event cannot be read: ${describeIssues(parsed.error)}`));
  }
  const { id, data, data_base64, traceparent, tracestate } = parsed.data;
  const inner = data_base64 === undefined ? decodeBody(data) : decodeBase64(data_base64);
  if (inner.ok && isJsonObject(inner.value.content) && event(inner.value.content, {}) !== undefined) {
    return fault(
      faulty('not-an-alert', 'an event inside an event is not taken; put the alert itself into "data"'),
    );
  }
  return decoded(inner, {
    ...shared,
    ...(id && { correlationId: id }),
    ...(traceparent !== undefined && { traceparent, tracestate }),
  });
};

/** `{"alertIds": [...]}`, where the other fields of the single form hold for all. */
const alertIds: Wrapper = (value, shared) => {
  if (value.alertIds === undefined || value.alertIds === null) {
    return undefined;
  }
  if (!Array.isArray(value.alertIds)) {
    return fault(faulty('bad-field', '"alertIds" is not a list; expected a JSON array of alert IDs'));
  }
  if (value.alertId !== undefined && value.alertId !== null) {
    return fault(faulty('bad-field', 'the message has both "alertId" and "alertIds"; send one of them'));
  }
  const checked = checkSharedFields(value);
  if (!checked.ok) {
    return fault(checked);
  }
  if (value.alertIds.length === 0) {
    return empty('the list has no items; expected at least one alert');
  }
  const all = { ...shared, ...checked.value };
  return {
    kind: 'list',
    isMixed: true,
    parts: value.alertIds.map((id) => ({ value: id, shared: all, isId: true })),
  };
};

/** The answer to a list query: `{"value": [...]}` of MDE, Graph, Defender XDR or Sentinel. */
const answerList: Wrapper = (value, shared) => {
  if (!Array.isArray(value.value) || Object.hasOwn(value, 'alertId') || Object.hasOwn(value, 'id')) {
    return undefined;
  }
  return listed(value.value, shared, 'the list "value" is empty; there was nothing to enrich');
};

/** Records of the streaming API by Event Hubs, in `records` or one alone. */
const streamingRecords: Wrapper = (value, shared) => {
  if (Array.isArray(value.records)) {
    return value.records.length === 0
      ? empty('the list "records" is empty; there was nothing to enrich')
      : byAlert(value.records.map(rowOfRecord), shared);
  }
  return isRecord(value) ? byAlert([rowOfRecord(value)], shared) : undefined;
};

function isRecord(value: JsonObject): boolean {
  return typeof value.category === 'string' && isJsonObject(value.properties) && !Object.hasOwn(value, 'id');
}

/** The row in a record, with the record's tenant; what is no record stays as it is. */
function rowOfRecord(record: unknown): unknown {
  if (!isJsonObject(record) || !isRecord(record) || !isJsonObject(record.properties)) {
    return record;
  }
  const { tenantId, properties, category } = record;
  return { ...properties, ...(tenantId !== undefined && { tenantId }), [CATEGORY]: category };
}

/** Says in a row which table of the streaming API it comes from. */
const CATEGORY = 'recordCategory';

/** The answer to a hunting query: `{"schema": [...], "results": [...]}`, in any case. */
const huntingAnswer: Wrapper = (value, shared) => {
  const fields = fieldsOf(value);
  const results = fields.get('results');
  if (!Array.isArray(results) || !fields.has('schema')) {
    return undefined;
  }
  return results.length === 0
    ? empty('the list "results" is empty; the query found nothing')
    : byAlert(results, shared);
};

/**
 * Several rows may be about one alert: they become one part, with the device of the row about a machine. Rows about no
 * alert become one part for each kind.
 */
function byAlert(rows: readonly unknown[], shared: SharedFields): Unwrapped {
  const alerts = new Map<string, JsonObject>();
  const others = new Map<string, unknown>();
  for (const row of rows) {
    if (!isJsonObject(row)) {
      others.set('no object', row);
      continue;
    }
    const fields = fieldsOf(row);
    const alertId = fields.get('alertid');
    if (alertId === undefined) {
      const kind = textIn(row[CATEGORY]) || Object.keys(row).join();
      if (!others.has(kind)) {
        others.set(kind, row);
      }
      continue;
    }
    const key = typeof alertId === 'string' ? alertId : `no text, number ${alerts.size}`;
    const known = alerts.get(key);
    const isDevice = /^(machine)?$/i.test(textIn(fields.get('entitytype')));
    const { DeviceId: _, ...withoutDevice } = row;
    const next = isDevice ? row : withoutDevice;
    alerts.set(key, known === undefined ? next : { ...next, ...known });
  }
  const parts = [...alerts.values(), ...others.values()].map((row) => ({ value: row, shared }));
  return { kind: 'list', parts, isMixed: true };
}

/** An incident of Graph, of Defender XDR, of Sentinel, or the body of Sentinel's incident trigger, with its alerts. */
const incident: Wrapper = (value, shared) => {
  const object = isJsonObject(value.object) ? value.object : value;
  const fields = isJsonObject(object.properties) ? object.properties : object;
  const alerts = fields.alerts ?? fields.Alerts;
  const isIncident =
    value['@odata.type'] === '#microsoft.graph.security.incident' ||
    value.objectSchemaType === 'Incident' ||
    Object.hasOwn(fields, 'incidentId') ||
    Object.hasOwn(fields, 'incidentNumber') ||
    Object.hasOwn(fields, 'alerts');
  if (!isIncident || alerts === undefined || listOf(alerts).length === 0) {
    return undefined;
  }
  const number = fields.incidentId ?? fields.incidentNumber ?? (fields === value ? fields.id : undefined);
  const parsed = checkSharedFields({ correlationId: number });
  const correlation = parsed.ok ? parsed.value : {};
  return listed(listOf(alerts), { ...correlation, ...shared }, 'the incident has no alerts');
};

/** Tried in this order; the first that fits opens. */
const WRAPPERS: readonly Wrapper[] = [
  logicAppsContent,
  serviceBusMessage,
  event,
  alertIds,
  huntingAnswer,
  streamingRecords,
  incident,
  answerList,
];

/** A list that a program made: where none of it is an alert, one answer for all of it is enough. */
function listed(items: readonly unknown[], shared: SharedFields, ifEmpty: string): Unwrapped {
  if (items.length === 0) {
    return empty(ifEmpty);
  }
  const parts = items.flatMap((item): Part[] => {
    const inner = isJsonObject(item) ? incident(item, shared) : undefined;
    return inner?.kind === 'list' ? inner.parts : [{ value: item, shared }];
  });
  return { kind: 'list', parts, isMixed: false };
}

function decoded(content: ReturnType<typeof decodeBody>, shared: SharedFields): Opened {
  return content.ok ? { kind: 'content', value: content.value.content, shared } : fault(content);
}

function empty(detail: string): Unwrapped {
  return fault(faulty('empty', detail));
}

function fault(found: Result<never, Fault>): Unwrapped {
  return { kind: 'fault', fault: found };
}
