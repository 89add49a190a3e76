import type { TableClient } from '@azure/data-tables';
import type { QueueClient } from '@azure/storage-queue';
import type { Ledger } from '../quota/ledger.ts';
import { counted } from '../text/words.ts';
import type { HealthProbe } from './health.ts';

/** Whether the queue can be used, and how full it is. */
export function queueProbe(queue: QueueClient): HealthProbe {
  return {
    name: `queue "${queue.name}"`,
    async look() {
      const { approximateMessagesCount = 0 } = await queue.getProperties();
      return { isSound: true, detail: `about ${counted(approximateMessagesCount, 'message')}` };
    },
  };
}

/** Whether the table can be read. */
export function tableProbe(table: TableClient): HealthProbe {
  return {
    name: `table "${table.tableName}"`,
    async look() {
      // Nothing has this key: unlike a read of one row, a query tells a table that is missing from a row that is.
      const none = table.listEntities({ queryOptions: { filter: "PartitionKey eq ''" } });
      await none.next();
      return { isSound: true, detail: 'readable' };
    },
  };
}

/** Whether Defender lets the app in, as the last calls told; this makes none. */
export function circuitProbe(readLedger: () => Promise<Ledger>): HealthProbe {
  return {
    name: 'circuit',
    async look() {
      const { circuit } = await readLedger();
      if (circuit === null) return { isSound: true, detail: 'closed' };
      const since = new Date(circuit.openedAt).toISOString();
      const next = new Date(circuit.probeAt).toISOString();
      return {
        isSound: false,
        detail: `open since ${since}, next probe ${next}: ${circuit.detail}`,
      };
    },
  };
}
