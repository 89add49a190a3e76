import { TableServiceClient } from '@azure/data-tables';
import { QueueServiceClient } from '@azure/storage-queue';
import { namesOfRun } from './names.ts';

/** Makes and removes the queues and tables of runs. */
export interface RunStorage {
  /** Creates them and puts the alerts into the queue. */
  prepare(run: number, alertIds: readonly string[]): Promise<void>;
  remove(run: number): Promise<void>;
}

const SUBMIT_AT_ONCE = 50;

export function createRunStorage(connectionString: string): RunStorage {
  const queues = QueueServiceClient.fromConnectionString(connectionString);
  const tables = TableServiceClient.fromConnectionString(connectionString, { allowInsecureConnection: true });

  function everything(run: number) {
    const { ALERTS_QUEUE, ENRICHMENTS_QUEUE, ENRICHMENTS_TABLE, STATE_TABLE } = namesOfRun(run);
    return { queues: [ALERTS_QUEUE, ENRICHMENTS_QUEUE], tables: [ENRICHMENTS_TABLE, STATE_TABLE] };
  }

  return {
    async prepare(run, alertIds) {
      const wanted = everything(run);
      await Promise.all([
        ...wanted.queues.map((name) => queues.createQueue(name)),
        ...wanted.tables.map((name) => tables.createTable(name)),
      ]);
      const alerts = queues.getQueueClient(namesOfRun(run).ALERTS_QUEUE);
      for (let start = 0; start < alertIds.length; start += SUBMIT_AT_ONCE) {
        const ids = alertIds.slice(start, start + SUBMIT_AT_ONCE);
        await Promise.all(ids.map((alertId) => alerts.sendMessage(alertId)));
      }
    },
    async remove(run) {
      const unwanted = everything(run);
      await Promise.all([
        ...unwanted.queues.map((name) => queues.deleteQueue(name)),
        ...unwanted.tables.map((name) => tables.deleteTable(name)),
      ]);
    },
  };
}
