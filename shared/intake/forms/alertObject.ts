import { type AlertDraft, checkAlert, checkSharedFields, type SharedFields } from '../alertRequest.ts';
import type { JsonObject } from '../jsonText.ts';
import { type Faulty, faulty } from '../rejection.ts';
import type { AlertForm } from './alertForm.ts';

/** `{"alertId": ..., "correlationId"?, "machineId"?, "tenantId"?, "metadata"?, "refresh"?}`: the form of our own. */
export const alertObject: AlertForm = {
  origin: '"alertId"',
  read: (value) => (Object.hasOwn(value, 'alertId') ? (value as AlertDraft) : undefined),
};

/** `{"alertIds": [...]}`, where the other fields of the single form hold for all. Undefined for another form. */
export function readAlertIds(
  value: JsonObject,
): { ok: true; alertIds: unknown[]; shared: SharedFields } | Faulty | undefined {
  if (isBlank(value.alertIds)) {
    return undefined;
  }
  if (!Array.isArray(value.alertIds)) {
    return faulty('bad-field', '"alertIds" is not a list; expected a JSON array of alert IDs');
  }
  if (!isBlank(value.alertId)) {
    return faulty('bad-field', 'the message has both "alertId" and "alertIds"; send one of them');
  }
  const checked = checkSharedFields(value);
  return checked.ok ? { ok: true, alertIds: value.alertIds, shared: checked.shared } : checked;
}

/** One item of `alertIds`. */
export const readAlertIdItem = (item: unknown) => checkAlert({ alertId: item }, 'the item of "alertIds"');

/** Playbooks write null where they have no value. */
function isBlank(value: unknown): boolean {
  return value === undefined || value === null;
}
