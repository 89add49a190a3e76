import type { TableClient, TableEntityResult } from '@azure/data-tables';
import { atMost } from '#shared/promises.ts';
import { isLostUpdate } from '#shared/storage/storageError.ts';

/** What a purge works with. */
export interface PurgeDeps {
  /** One row an alert. */
  enrichments: TableClient;
  /** Its rows with `retrievedAt` keep what APIs said of devices; all others are of the app's own. */
  state: TableClient;
  now: () => Date;
  /** Hears how many old rows have been looked at. */
  onProgress: (seen: number) => void;
  /** Ends the purge after the rows that are being deleted. */
  signal: AbortSignal;
}

/** What became of the rows that nobody has written since the time given. */
export interface PurgeReport {
  /** Rows of alerts that are deleted, or in a dry run would be. */
  alerts: number;
  /** Rows that keep what APIs said of devices, likewise. */
  deviceRecords: number;
  /** Rows of alerts without an answer: they wait, or their message is a dead letter. */
  pending: number;
  /** Rows of alerts that are being looked up again, or were written to in between. */
  busy: number;
  /** The time of the oldest alert's row that was seen. */
  oldest: Date | undefined;
  isComplete: boolean;
}

/** Deletions under way at once. */
const DELETIONS_AT_ONCE = 32;
const PAGE_SIZE = 1_000;

/**
 * Deletes what nobody has written since `before`: the rows of alerts that have an answer, and what was kept of devices. Each
 * deletion holds only if the row is still the one that was read, so an alert that comes again meanwhile is left alone.
 * Nothing is remembered between runs: what is deleted is not found again, so a purge that was interrupted is begun again.
 * (A batch of the table service holds rows of one partition, which here is one alert, and the SDK's batches take no such
 * condition; so rows are deleted one by one, many at once.)
 * @throws When the storage service cannot be used; what was deleted until then stays deleted.
 */
export async function purge(before: Date, isDryRun: boolean, deps: PurgeDeps): Promise<PurgeReport> {
  const { enrichments, state, now, signal } = deps;
  const report: PurgeReport = {
    alerts: 0,
    deviceRecords: 0,
    pending: 0,
    busy: 0,
    oldest: undefined,
    isComplete: false,
  };
  const limited = atMost(DELETIONS_AT_ONCE);
  let seen = 0;

  async function visit(
    table: TableClient,
    filter: string,
    columns: readonly string[],
    take: (row: Row) => Promise<void>,
  ): Promise<void> {
    const select = ['partitionKey', 'rowKey', 'timestamp', ...columns];
    const rows = table.listEntities<Record<string, unknown>>({ queryOptions: { filter, select } });
    for await (const page of rows.byPage({ maxPageSize: PAGE_SIZE })) {
      if (signal.aborted) {
        return;
      }
      await Promise.all(page.map((row) => limited(() => (signal.aborted ? Promise.resolve() : take(row)))));
      seen += page.length;
      deps.onProgress(seen);
    }
  }

  const time = `datetime'${before.toISOString()}'`;
  await visit(enrichments, `Timestamp lt ${time}`, ['outcome', 'claimKey', 'claimExpiresAt'], async (row) => {
    const written = new Date(row.timestamp ?? before);
    report.oldest = report.oldest !== undefined && report.oldest < written ? report.oldest : written;
    if (typeof row.outcome !== 'string') {
      report.pending += 1;
    } else if (isClaimed(row, now()) || !(isDryRun || (await remove(enrichments, row)))) {
      report.busy += 1;
    } else {
      report.alerts += 1;
    }
  });
  await visit(state, `retrievedAt lt ${time}`, [], async (row) => {
    if (isDryRun || (await remove(state, row))) {
      report.deviceRecords += 1;
    }
  });
  return { ...report, isComplete: !signal.aborted };
}

type Row = TableEntityResult<Record<string, unknown>>;

function isClaimed({ claimKey, claimExpiresAt }: Row, now: Date): boolean {
  return (
    typeof claimKey === 'string' && claimKey !== '' && claimExpiresAt instanceof Date && claimExpiresAt > now
  );
}

/** Whether the row is gone that was read. */
async function remove(table: TableClient, { partitionKey = '', rowKey = '', etag }: Row): Promise<boolean> {
  try {
    await table.deleteEntity(partitionKey, rowKey, { etag });
    return true;
  } catch (error) {
    if (isLostUpdate(error)) {
      return false;
    }
    throw error;
  }
}
