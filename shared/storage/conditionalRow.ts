import type { TableClient, TableEntityResult } from '@azure/data-tables';
import { hasStatus, isLostCreation, isLostUpdate } from './storageError.ts';

/** Where a row stands. */
export interface RowKeys {
  partitionKey: string;
  rowKey: string;
}

type Row = RowKeys & Record<string, unknown>;
/** Of an operation: what hears the response, for one. */
type Options = Pick<NonNullable<Parameters<TableClient['getEntity']>[2]>, 'onResponse'>;

/** The row, or undefined when there is none. @throws When the storage service cannot be used. */
export async function readRow(
  table: TableClient,
  { partitionKey, rowKey }: RowKeys,
  options: Options = {},
): Promise<TableEntityResult<Record<string, unknown>> | undefined> {
  try {
    return await table.getEntity<Record<string, unknown>>(partitionKey, rowKey, options);
  } catch (error) {
    if (hasStatus(error, 404)) {
      return undefined;
    }
    throw error;
  }
}

/**
 * Writes the row whole, if it is still as it was read.
 * @param etag The ETag of the row as read; undefined when there was none.
 * @returns The new ETag, or undefined when another process wrote first.
 * @throws When the storage service cannot be used.
 */
export async function writeRow(
  table: TableClient,
  row: Row,
  etag: string | undefined,
  options: Options = {},
): Promise<string | undefined> {
  try {
    const written =
      etag === undefined
        ? await table.createEntity(row, options)
        : await table.updateEntity(row, 'Replace', { etag, ...options });
    return written.etag;
  } catch (error) {
    if (etag === undefined ? isLostCreation(error) : isLostUpdate(error)) {
      return undefined;
    }
    throw error;
  }
}
