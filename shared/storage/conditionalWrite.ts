import type { TableClient, TableEntity } from '@azure/data-tables';
import { isLostCreation, isLostUpdate } from './storageError.ts';

/**
 * Writes a row that nobody else has written since it was read.
 * @param etag As it was read; undefined where there was no row.
 * @returns The new ETag; undefined when somebody else has written it meanwhile.
 */
export async function writeUnchanged(
  table: TableClient,
  row: TableEntity,
  etag: string | undefined,
): Promise<string | undefined> {
  try {
    const written =
      etag === undefined ? await table.createEntity(row) : await table.updateEntity(row, 'Replace', { etag });
    return written.etag;
  } catch (error) {
    if (etag === undefined ? isLostCreation(error) : isLostUpdate(error)) {
      return undefined;
    }
    throw error;
  }
}
