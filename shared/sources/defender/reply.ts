import { type Machine, parseMachine } from '../../device/machine.ts';
import {
  type Failure,
  type HttpResponse,
  type ListPage,
  readFailure,
  readJson,
  readList,
} from '../apiReply.ts';
import type { BatchReply } from '../batch.ts';

const SERVICE = 'Defender';

/** What the response to a look-up of a machine means. */
export type Reply = { kind: 'machine'; machine: Machine } | Failure;

/** What the response to a list query means. */
export type ListReply = ListPage | Failure;

/**
 * Longest answer about a machine that is read (bytes, decompressed); none seen is larger than 20 KB. The machine and
 * the device made of it, which can be over three times as long, share one table row of 1 MiB with two bytes a
 * character.
 */
export const LONGEST_MACHINE = 100 * 1024;
/** Reads the response to a look-up of a machine. */
export function readReply(response: HttpResponse, now: Date): Reply {
  return response.status === 200 ? readMachine(response, now) : readFailure(SERVICE, response, now);
}

/** Reads the response to a list query. */
export function readListReply(response: HttpResponse, now: Date): ListReply {
  return response.status === 200 ? readList(SERVICE, response, now) : readFailure(SERVICE, response, now);
}

/**
 * Machines by their IDs in lower case. An entry that is no machine, is longer than one may be, or comes twice and differs is
 * left out: its alerts go the single way.
 */
export function readMachinesReply(response: HttpResponse, now: Date): BatchReply<Machine> {
  const list = readListReply(response, now);
  if (list.kind !== 'list') {
    return list;
  }
  const rows = new Map<string, Machine>();
  const doubtful = new Set<string>();
  for (const entry of list.entries) {
    const reading = parseMachine(entry);
    if (reading.kind !== 'machine' || Buffer.byteLength(JSON.stringify(entry)) > LONGEST_MACHINE) {
      continue;
    }
    const id = reading.machine.id.trim().toLowerCase();
    const before = rows.get(id);
    if (before !== undefined && JSON.stringify(before) !== JSON.stringify(reading.machine)) {
      doubtful.add(id);
    }
    rows.set(id, reading.machine);
  }
  for (const id of doubtful) {
    rows.delete(id);
  }
  return { kind: 'rows', rows };
}

function readMachine(response: HttpResponse, now: Date): Reply {
  const body = readJson(SERVICE, response, now);
  if (body.kind !== 'json') {
    return body;
  }
  const reading = parseMachine(body.json);
  return reading.kind === 'machine'
    ? reading
    : {
        kind: 'unusable',
        detail: `Defender answered 200 with a body that is no machine: ${reading.detail}`,
      };
}
