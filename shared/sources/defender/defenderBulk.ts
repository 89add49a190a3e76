import type { Machine } from '../../device/machine.ts';
import type { AlertIndex } from '../alertIndex.ts';
import { createBatch } from '../batch.ts';
import type { LookUp, LookUpFailure } from '../lookUp.ts';
import { type AlertReference, isFresh, type Kept } from '../source.ts';
import { createSpareDevices } from '../spareDevices.ts';
import type { DefenderClient } from './defenderClient.ts';

/** Keeps machines where all processes find them. Never fails: the worst is one more call. */
export interface MachineStore {
  readMachine(machineId: string): Promise<Kept<Machine> | undefined>;
  writeMachine(machineId: string, kept: Kept<Machine>): Promise<void>;
  /** The IDs of the machines that were kept since then. */
  machineIdsSince(time: Date): Promise<string[]>;
}

export interface DefenderBulkDeps {
  client: Pick<DefenderClient, 'machines'>;
  lookUp: LookUp;
  index: AlertIndex;
  machines: MachineStore;
  /** How long a machine serves other alerts of it, in milliseconds. */
  reuseForMs: number;
  now: () => Date;
  /** Uniform in [0, 1). */
  random: () => number;
}

/** What lists say about an alert. */
export type BulkAnswer =
  | { kind: 'machine'; kept: Kept<Machine> }
  /** No call may be made, or there is no time. */
  | Extract<LookUpFailure, { kind: 'wait' | 'denied' | 'interrupted' }>
  /**
   * The alert takes a call of its own. `machineId` is the device that the call will tell about, where that is known.
   */
  | { kind: 'single'; machineId: string | undefined };

/** Looks many alerts up with few calls. */
export interface DefenderBulk {
  find(alert: AlertReference, signal: AbortSignal): Promise<BulkAnswer>;
  /** Keeps what a call about one alert told, for other alerts of the same device. */
  learn(machineId: string | undefined, kept: Kept<Machine>): Promise<void>;
}

/**
 * Most machines of one call: filters of this length are in production use elsewhere, longer ones have not been seen.
 */
export const MOST_MACHINES = 30;
const MACHINE_ID = /^[\da-f]{40}$/;
/** How long each alert takes a call of its own after a list of machines brought nothing (ms). */
const REST_MS = 30_000;

/**
 * Finds the device of an alert by what the submitter says, or else by the list of alerts; the machine by one that is
 * kept, or else by a list of machines that several alerts share. A machine that is missing in the list, or was merged
 * into another, is left to the single call. What that call told of a device serves its other alerts, because the
 * service itself has named the device for one of them.
 */
export function createDefenderBulk(deps: DefenderBulkDeps): DefenderBulk {
  const { client, lookUp, index, machines, reuseForMs, now, random } = deps;
  const spare = createSpareDevices({
    deviceIds: () => [...index.deviceIds()].flatMap((id) => machineIdIn(id) ?? []),
    keptSince: machines.machineIdsSince,
    reuseForMs,
    now,
    random,
  });
  const batch = createBatch<Machine>({
    subject: 'machines',
    mostIds: MOST_MACHINES,
    gathers: () => true,
    more: spare,
    lookUp,
    call: client.machines,
    missing: (id) => ({ kind: 'not_found', detail: `the list of machines has no ${id}` }),
    keep: async (id, machine) => {
      if (isSound(machine, id)) {
        await machines.writeMachine(id, { part: machine, retrievedAt: now() });
      }
    },
  });
  let restsUntil = Number.NEGATIVE_INFINITY;

  /** The device of the alert; undefined where it is not known, or where two answers contradict each other. */
  async function machineIdOf(alert: AlertReference, signal: AbortSignal): Promise<string | undefined> {
    const told = machineIdIn(alert.machineId);
    const listed =
      told === undefined
        ? await index.find(alert.alertId, alert.firstSeen, signal)
        : index.known(alert.alertId);
    if (listed === undefined) {
      return told;
    }
    const machineId = machineIdIn(listed.part.machineId);
    const isUsable =
      told === undefined ? isFresh(listed, alert.firstSeen, reuseForMs, now()) : told === machineId;
    return isUsable ? machineId : undefined;
  }

  return {
    async find(alert, signal) {
      const isResting = now().getTime() < restsUntil;
      const machineId = alert.refresh || isResting ? undefined : await machineIdOf(alert, signal);
      if (machineId === undefined) {
        return { kind: 'single', machineId };
      }
      const kept = await machines.readMachine(machineId);
      if (kept !== undefined && isFresh(kept, alert.firstSeen, reuseForMs, now())) {
        return hasId(kept.part, machineId) ? { kind: 'machine', kept } : { kind: 'single', machineId };
      }
      const answer = await batch.ask(machineId, 'first', signal);
      switch (answer.kind) {
        case 'row':
          return isSound(answer.row, machineId)
            ? { kind: 'machine', kept: { part: answer.row, retrievedAt: now() } }
            : { kind: 'single', machineId };
        case 'wait':
        case 'denied':
        case 'interrupted':
          return answer;
        case 'not_found':
          return { kind: 'single', machineId };
        default:
          restsUntil = now().getTime() + REST_MS;
          return { kind: 'single', machineId };
      }
    },

    async learn(machineId, kept) {
      if (machineId !== undefined && hasId(kept.part, machineId)) {
        await machines.writeMachine(machineId, kept);
      }
    },
  };
}

/** The ID of a machine in lower case; undefined for what is no ID. */
function machineIdIn(text: string | undefined): string | undefined {
  const machineId = text?.trim().toLowerCase();
  return machineId !== undefined && MACHINE_ID.test(machineId) ? machineId : undefined;
}

function hasId(machine: Machine, machineId: string): boolean {
  return machine.id.trim().toLowerCase() === machineId;
}

/** Whether this is the machine that was asked for, and not one that was merged into another. */
function isSound(machine: Machine, machineId: string): boolean {
  return hasId(machine, machineId) && !machine.mergedIntoMachineId;
}
