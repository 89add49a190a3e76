import { odata, type TableClient } from '@azure/data-tables';
import * as z from 'zod';
import { machineSchema } from '../device/machine.ts';
import type { MachineStore } from '../sources/defender/defenderBulk.ts';
import { deviceEvidenceSchema } from '../sources/graph/deviceEvidence.ts';
import type { PartStore } from '../sources/graph/graphSource.ts';
import { parseJson } from '../text.ts';
import { isStorageError } from './storageError.ts';
import { fromParts, toParts } from './textParts.ts';

const FORMAT = 1;
const EVIDENCE = 'graph-alert';
const DEVICE = 'graph-device';
const MACHINE = 'defender-machine';

const rowSchema = z.object({ format: z.literal(FORMAT), retrievedAt: z.date() });
const deviceSchema = z.record(z.string(), z.string()).nullable();

/**
 * Parts of answers in the state table: one row a device and source, which each new answer replaces, and one for each
 * alert that waits for hunting, which is deleted when it has been used.
 * @param keyPrefix Begins each partition key: what one tenant is told, no other tenant hears.
 */
export function createPartTable(table: TableClient, keyPrefix = ''): PartStore & MachineStore {
  const keyOf = (kind: string) => `${keyPrefix}${kind}`;

  async function read<Part>(kind: string, rowKey: string, schema: z.ZodType<Part>) {
    const row = await table.getEntity(keyOf(kind), rowKey).catch(onlyStorageErrors);
    const head = rowSchema.safeParse(row).data;
    const part = head && schema.safeParse(parseJson(fromParts('part', row ?? {})));
    return head && part?.success ? { part: part.data, retrievedAt: head.retrievedAt } : undefined;
  }

  async function write(kind: string, rowKey: string, part: unknown, retrievedAt: Date) {
    const row = {
      partitionKey: keyOf(kind),
      rowKey,
      format: FORMAT,
      retrievedAt,
      ...toParts('part', JSON.stringify(part)),
    };
    await table.upsertEntity(row, 'Replace').catch(onlyStorageErrors);
  }

  async function keysSince(kind: string, since: Date): Promise<string[]> {
    const filter = odata`PartitionKey eq ${keyOf(kind)} and retrievedAt ge ${since}`;
    const keys: string[] = [];
    try {
      for await (const { rowKey } of table.listEntities({ queryOptions: { filter, select: ['RowKey'] } })) {
        keys.push(rowKey ?? '');
      }
    } catch (error) {
      onlyStorageErrors(error);
    }
    return keys;
  }

  return {
    readEvidence: (alertId) => read(EVIDENCE, alertId, deviceEvidenceSchema),
    writeEvidence: (alertId, { part, retrievedAt }) => write(EVIDENCE, alertId, part, retrievedAt),
    async removeEvidence(alertId) {
      await table.deleteEntity(keyOf(EVIDENCE), alertId).catch(onlyStorageErrors);
    },
    async readDevice(deviceId) {
      const kept = await read(DEVICE, deviceId, deviceSchema);
      return kept && { ...kept, part: kept.part && new Map(Object.entries(kept.part)) };
    },
    readMachine: (machineId) => read(MACHINE, machineId, machineSchema),
    writeMachine: (machineId, { part, retrievedAt }) => write(MACHINE, machineId, part, retrievedAt),
    writeDevice: (deviceId, { part, retrievedAt }) =>
      write(DEVICE, deviceId, part && Object.fromEntries(part), retrievedAt),
    machineIdsSince: (time) => keysSince(MACHINE, time),
    deviceIdsSince: (time) => keysSince(DEVICE, time),
  };
}

/** What cannot be kept costs one more call, and a row that is not there is no error. */
function onlyStorageErrors(error: unknown): undefined {
  if (!isStorageError(error)) {
    throw error;
  }
}
