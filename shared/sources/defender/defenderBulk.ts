import type { Machine } from '../../device/machine.ts';
import { type AlertIndex, GATHER_MS } from '../alertIndex.ts';
import { createBatch } from '../batch.ts';
import type { LookUp, LookUpFailure } from '../lookUp.ts';
import type { AlertReference, Kept } from '../source.ts';
import type { DefenderClient } from './defenderClient.ts';

/** Keeps machines that lists have told where all instances find them. Never fails: the worst is one more call. */
export interface MachineStore {
  readMachine(machineId: string): Promise<Kept<Machine> | undefined>;
  writeMachine(machineId: string, kept: Kept<Machine>): Promise<void>;
}

export interface DefenderBulkDeps {
  client: Pick<DefenderClient, 'machines'>;
  lookUp: LookUp;
  index: AlertIndex;
  machines: MachineStore;
  /** How long a machine serves other alerts of it, in milliseconds. */
  reuseForMs: number;
  now: () => Date;
}

/** Looks many alerts up with few calls; undefined for an alert that has to go the single way. */
export type DefenderBulk = (
  alert: AlertReference,
  signal: AbortSignal,
) => Promise<Kept<Machine> | LookUpFailure | undefined>;

/** In production use elsewhere; longer filters have not been seen. */
const MOST_MACHINES = 30;
const MACHINE_ID = /^[\da-f]{40}$/;

/**
 * The device of an alert by what the submitter says, or else by the list of alerts; the machine by one that is kept, or
 * else by a list of machines that others share. A machine that is missing in the list, or was merged into another, is left
 * to the single call.
 */
export function createDefenderBulk(deps: DefenderBulkDeps): DefenderBulk {
  const { client, lookUp, index, machines, reuseForMs, now } = deps;
  const batch = createBatch<Machine>({
    subject: 'machines',
    mostIds: MOST_MACHINES,
    gatherMs: () => GATHER_MS,
    lookUp,
    call: client.machines,
    missing: (id) => ({ kind: 'not_found', detail: `the list of machines has no ${id}` }),
    keep: (id, machine) => machines.writeMachine(id, { part: machine, retrievedAt: now() }),
  });

  async function machineIdOf(alert: AlertReference, signal: AbortSignal): Promise<string | undefined> {
    const told = alert.machineId?.toLowerCase();
    if (told !== undefined && MACHINE_ID.test(told)) {
      return told;
    }
    const listed = await index.find(alert.alertId, alert.firstSeen, signal);
    const machineId = listed?.machineId?.toLowerCase();
    return machineId !== undefined && MACHINE_ID.test(machineId) ? machineId : undefined;
  }

  return async (alert, signal) => {
    const machineId = alert.refresh ? undefined : await machineIdOf(alert, signal);
    if (machineId === undefined) {
      return undefined;
    }
    const kept = await machines.readMachine(machineId);
    if (kept !== undefined && now().getTime() - kept.retrievedAt.getTime() < reuseForMs) {
      return isSound(kept.part, machineId) ? kept : undefined;
    }
    const answer = await batch.ask(machineId, 'first', signal);
    if (answer.kind === 'row') {
      return isSound(answer.row, machineId) ? { part: answer.row, retrievedAt: now() } : undefined;
    }
    return answer.kind === 'throttled' || answer.kind === 'denied' || answer.kind === 'interrupted'
      ? answer
      : undefined;
  };
}

/** Not another machine, and none that lives on in another. */
function isSound(machine: Machine, machineId: string): boolean {
  return machine.id.trim().toLowerCase() === machineId && !machine.mergedIntoMachineId;
}
