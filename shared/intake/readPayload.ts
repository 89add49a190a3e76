import { type Result, success } from '../result.ts';
import { type AlertRequest, checkAlert } from './alertRequest.ts';
import { recognize } from './forms.ts';
import { isJsonObject } from './jsonObject.ts';
import { quote } from './jsonText.ts';
import { type Fault, faulty } from './rejection.ts';
import { type Part, unwrap } from './unwrap.ts';

/** The most alerts that one message may carry: more than the shortest IDs fill a queue message with. */
export const MAX_ALERTS = 20_000;

const EXPECTED =
  'expected an alert ID, {"alertId": ...}, {"alertIds": [...]}, a list of these, an alert of MDE, Graph, Defender XDR or Sentinel, an incident with its alerts, hunting or streaming records, or an event with one of these in "data"';

/** What a payload holds: one alert, or a list of parts that stand or fall alone. */
export type Reading =
  | { kind: 'one'; result: Result<AlertRequest, Fault> }
  | { kind: 'list'; items: { part: unknown; result: Result<AlertRequest, Fault> }[] };

/** Finds the alerts in a payload: takes off its wrappings, recognises each part, and checks it. Throws for no input. */
export function readPayload(value: unknown): Reading {
  const unwrapped = unwrap(value);
  switch (unwrapped.kind) {
    case 'fault':
      return { kind: 'one', result: unwrapped.fault };
    case 'one':
      return { kind: 'one', result: readPart(unwrapped.part) };
    case 'list': {
      const { parts, isMixed } = unwrapped;
      if (parts.length > MAX_ALERTS) {
        const detail = `the message carries ${parts.length} alerts; send at most ${MAX_ALERTS} in one message`;
        return { kind: 'one', result: faulty('too-many', detail) };
      }
      const items = parts.map((part) => ({ part: part.value, result: readPart(part) }));
      const [first] = items;
      const isNone = !isMixed && items.length > 1 && items.every(({ result }) => !result.ok);
      if (!isNone || first === undefined || first.result.ok) {
        return { kind: 'list', items };
      }
      const { reason, detail } = first.result.error;
      return {
        kind: 'one',
        result: faulty(reason, `a list of ${items.length} things, none an alert; the first: ${detail}`),
      };
    }
  }
}

/** One alert in one of the single forms. */
function readPart({ value, shared, isId = false }: Part): Result<AlertRequest, Fault> {
  const result = isId ? checkAlert({ alertId: value }, 'the item of "alertIds"') : readValue(value);
  if (!result.ok || result.value.traceparent === undefined) {
    return result.ok ? success({ ...shared, ...result.value }) : result;
  }
  // The shared tracestate belongs to the traceparent beside it, in whose place this one has its own.
  const { tracestate: _, ...rest } = shared;
  return success({ ...rest, ...result.value });
}

function readValue(value: unknown): Result<AlertRequest, Fault> {
  if (typeof value === 'string') {
    return checkAlert({ alertId: value }, 'the text');
  }
  if (Array.isArray(value) || (isJsonObject(value) && Array.isArray(value.alertIds))) {
    return faulty('not-an-alert', 'a list inside a list is not taken; send one flat list');
  }
  if (!isJsonObject(value)) {
    return faulty('not-an-alert', `${quote(value)} is no alert; ${EXPECTED}`);
  }
  const recognition = recognize(value);
  switch (recognition?.kind) {
    case 'alert':
      return checkAlert(recognition.draft, recognition.origin);
    case 'other':
      return faulty('not-an-alert', `this is ${recognition.what}: ${quote(value)}; send ${recognition.send}`);
    default:
      return faulty('not-an-alert', `the object ${quote(value)} has no known form; ${EXPECTED}`);
  }
}
