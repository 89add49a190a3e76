import type { PoisonMessage } from './poisonMessage.ts';

/** Which messages a person wants replayed. */
export type Selection =
  | { kind: 'all' }
  | { kind: 'reason'; reason: string }
  | { kind: 'alert'; alertId: string }
  | { kind: 'tenant'; tenantId: string }
  | { kind: 'id'; id: string };

/**
 * Whether a message is meant. What was no alert is not meant by "all": its text would come back as the same dead
 * letter, so it is replayed only when a person names it or its reason.
 */
export function isSelected(message: PoisonMessage, selection: Selection): boolean {
  switch (selection.kind) {
    case 'all':
      return message.replay.kind !== 'rejected-text';
    case 'reason':
      return message.reason === selection.reason;
    case 'alert':
      return message.alertIds.includes(selection.alertId);
    case 'tenant':
      return isOfTenant(message, selection.tenantId);
    case 'id':
      return message.id === selection.id;
  }
}

/** Whether the alert of a message is this tenant's, as the message names it. */
export function isOfTenant({ letter }: PoisonMessage, tenantId: string): boolean {
  return letter?.submission?.tenantId?.toLowerCase() === tenantId.toLowerCase();
}

/**
 * The selection that the command line's options make.
 * @throws Error when they make none, or more than one.
 */
export function selectionOf(options: {
  all?: boolean;
  reason?: string;
  alert?: string;
  tenant?: string;
  id?: string;
}): Selection {
  const { all, reason, alert, tenant, id } = options;
  const selections: Selection[] = [
    ...(all ? [{ kind: 'all' as const }] : []),
    ...(reason === undefined ? [] : [{ kind: 'reason' as const, reason }]),
    ...(alert === undefined ? [] : [{ kind: 'alert' as const, alertId: alert }]),
    ...(tenant === undefined ? [] : [{ kind: 'tenant' as const, tenantId: tenant }]),
    ...(id === undefined ? [] : [{ kind: 'id' as const, id }]),
  ];
  const [selection, ...others] = selections;
  if (selection === undefined || others.length > 0) {
    throw new Error('Say what to replay by exactly one of --all, --reason, --alert, --tenant and --id.');
  }
  return selection;
}
