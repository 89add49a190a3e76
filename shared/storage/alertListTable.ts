import { gunzipSync, gzipSync } from 'node:zlib';
import type { TableClient } from '@azure/data-tables';
import * as z from 'zod';
import type { AlertDevice, AlertListStore, ListPart, SharedList } from '../sources/alertList.ts';
import { parseJson } from '../text.ts';
import { readRow, writeRow } from './conditionalRow.ts';
import { fromParts, toParts } from './textParts.ts';

const FORMAT = 1;
const HEAD = 'list';
/** Two bytes a character, four characters for three bytes: with that a row stays below the 1 MiB that one may have. */
const LARGEST_PART = 300_000;
/** What is unpacked from a row has an end: a page of the API's list is read up to 32 MB. */
const LARGEST_UNPACKED = 64 * 1024 * 1024;

const time = z.iso.datetime().transform((text) => new Date(text));
const list = z.object({ id: z.string(), from: time, until: time, parts: z.int().min(0) }).optional();
const headSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('idle'), list }),
  z.object({ kind: z.literal('listing'), until: time, list }),
  z.object({ kind: z.literal('resting'), until: time, list }),
]);
const headRowSchema = z.object({ format: z.literal(FORMAT), state: z.string() });
const partRowSchema = z.object({ format: z.literal(FORMAT), list: z.string(), listedAt: z.date() });
/** Alert ID, device ID, evidence. */
const alertsSchema = z.array(z.tuple([z.string(), z.string().nullable(), z.unknown()]));

/**
 * The list of alerts that all processes share, in the state table: a row that says how it stands, and one for each part of it.
 * The rows of a list replace those of the one before, so that there are a few dozen at most. A row that cannot be read
 * counts as none.
 * @param partitionKey Names the API, and the tenant where there are several.
 */
export function createAlertListTable(table: TableClient, partitionKey: string): AlertListStore {
  async function writePart(listId: string, number: number, { listedAt, alerts }: ListPart): Promise<number> {
    const packed = pack(alerts);
    if (packed.length > LARGEST_PART && alerts.length > 1) {
      const middle = Math.ceil(alerts.length / 2);
      const first = await writePart(listId, number, { listedAt, alerts: alerts.slice(0, middle) });
      return first + (await writePart(listId, number + first, { listedAt, alerts: alerts.slice(middle) }));
    }
    const alertColumns = toParts('alerts', packed.toString('base64'));
    const row = { partitionKey, rowKey: partKey(number), format: FORMAT, list: listId, listedAt };
    await table.upsertEntity({ ...row, ...alertColumns }, 'Replace');
    return 1;
  }

  return {
    async read() {
      const row = await readRow(table, { partitionKey, rowKey: HEAD });
      if (row === undefined) {
        return { shared: NO_LIST, etag: undefined };
      }
      const text = headRowSchema.safeParse(row).data?.state;
      const head = headSchema.safeParse(parseJson(text)).data;
      return { shared: head === undefined ? NO_LIST : { ...head, list: head.list }, etag: row.etag };
    },

    write(shared, etag) {
      const row = { partitionKey, rowKey: HEAD, format: FORMAT, state: JSON.stringify(shared) };
      return writeRow(table, row, etag);
    },

    async readParts(listId, first, end) {
      const filter = `PartitionKey eq '${partitionKey}' and RowKey ge '${partKey(first)}' and RowKey lt '${partKey(end)}'`;
      const parts: ListPart[] = [];
      for await (const row of table.listEntities({ queryOptions: { filter } })) {
        const head = partRowSchema.safeParse(row).data;
        const alerts = head?.list === listId ? unpack(fromParts('alerts', row)) : undefined;
        if (head !== undefined && alerts !== undefined) {
          parts.push({ listedAt: head.listedAt, alerts });
        }
      }
      return parts;
    },

    writePart,
  };
}

const NO_LIST: SharedList = { kind: 'idle', list: undefined };

function partKey(number: number): string {
  return `part-${String(number).padStart(4, '0')}`;
}

function pack(alerts: readonly AlertDevice[]): Buffer {
  const entries = alerts.map(({ alertId, machineId, evidence }) => [alertId, machineId ?? null, evidence]);
  return gzipSync(JSON.stringify(entries));
}

/** Undefined for what cannot be read. */
function unpack(text: string | undefined): AlertDevice[] | undefined {
  try {
    const json = gunzipSync(Buffer.from(text ?? '', 'base64'), { maxOutputLength: LARGEST_UNPACKED });
    const entries = alertsSchema.safeParse(parseJson(json.toString('utf8'))).data;
    return entries?.map(([alertId, machineId, evidence]) => ({
      alertId,
      machineId: machineId ?? undefined,
      evidence: evidence ?? undefined,
    }));
  } catch {
    return undefined;
  }
}
