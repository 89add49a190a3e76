import { checkAlert, type Finding, type SharedFields } from './alertRequest.ts';
import type { AlertForm } from './forms/alertForm.ts';
import { alertObject, readAlertIdItem, readAlertIds } from './forms/alertObject.ts';
import { defenderAlert } from './forms/defenderAlert.ts';
import { openEvent } from './forms/events.ts';
import { graphAlert } from './forms/graphAlert.ts';
import { sentinelAlert } from './forms/sentinelAlert.ts';
import { isJsonObject, quote } from './jsonText.ts';
import { faulty } from './rejection.ts';

/** The most alerts that one message may carry. */
export const MAX_ALERTS = 2000;

/** The single forms, tried in this order: a Graph alert also has fields that tell an MDE alert. */
const FORMS: AlertForm[] = [alertObject, sentinelAlert, graphAlert, defenderAlert];

const EXPECTED =
  'expected an alert ID, {"alertId": ...}, {"alertIds": [...]}, a list of these, an alert of MDE, Graph or Sentinel, or an event with one of these in "data"';

/** What a message holds: one alert, or a list of parts that stand or fall alone. */
export type Reading =
  | { kind: 'one'; finding: Finding }
  | { kind: 'list'; items: { part: unknown; finding: Finding }[] };

/** Finds the alerts in the content of a message. No list is read inside a list, no event inside an event. */
export function readContent(value: unknown): Reading {
  const event = openEvent(value);
  if (event === undefined) {
    return readOneOrList(value, readItem, {});
  }
  return event.ok ? readOneOrList(event.content, readAlert, event.shared) : { kind: 'one', finding: event };
}

/**
 * @param readPart Reads one item of an array.
 * @param defaults What holds for every alert that does not say otherwise itself.
 */
function readOneOrList(
  value: unknown,
  readPart: (item: unknown) => Finding,
  defaults: SharedFields,
): Reading {
  if (Array.isArray(value)) {
    return readList(value, readPart, defaults);
  }
  const list = isJsonObject(value) ? readAlertIds(value) : undefined;
  if (list?.ok) {
    return readList(list.alertIds, readAlertIdItem, { ...defaults, ...list.shared });
  }
  return { kind: 'one', finding: list ?? withDefaults(readAlert(value), defaults) };
}

function readList(parts: unknown[], readPart: (item: unknown) => Finding, defaults: SharedFields): Reading {
  if (parts.length === 0) {
    return { kind: 'one', finding: faulty('empty', 'the list has no items; expected at least one alert') };
  }
  if (parts.length > MAX_ALERTS) {
    const detail = `the message carries ${parts.length} alerts; send at most ${MAX_ALERTS} in one message`;
    return { kind: 'one', finding: faulty('too-many', detail) };
  }
  const items = parts.map((part) => ({ part, finding: withDefaults(readPart(part), defaults) }));
  return { kind: 'list', items };
}

function withDefaults(finding: Finding, defaults: SharedFields): Finding {
  return finding.ok ? { ok: true, request: { ...defaults, ...finding.request } } : finding;
}

/** An item of an array: one alert, or an event that carries one. */
function readItem(item: unknown): Finding {
  const event = openEvent(item);
  if (event === undefined) {
    return readAlert(item);
  }
  return event.ok ? withDefaults(readAlert(event.content), event.shared) : event;
}

/** One alert in one of the single forms. */
function readAlert(value: unknown): Finding {
  if (typeof value === 'string') {
    return checkAlert({ alertId: value }, 'the text');
  }
  if (Array.isArray(value) || (isJsonObject(value) && Array.isArray(value.alertIds))) {
    return faulty('not-an-alert', 'a list inside a list is not taken; send one flat list');
  }
  if (!isJsonObject(value)) {
    return faulty('not-an-alert', `${quote(value)} is no alert; ${EXPECTED}`);
  }
  if (openEvent(value) !== undefined) {
    return faulty('not-an-alert', 'an event inside an event is not taken; put the alert itself into "data"');
  }
  for (const form of FORMS) {
    const draft = form.read(value);
    if (draft !== undefined) {
      return checkAlert(draft, form.origin);
    }
  }
  return faulty('not-an-alert', `the object ${quote(value)} has no known form; ${EXPECTED}`);
}
