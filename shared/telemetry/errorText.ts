import { isStorageError, storageErrorText } from '../storage/storageError.ts';

const LONGEST = 500;

/** What the log is told of an error: of one of the storage service no addresses, names or signatures. */
export function errorText(error: unknown): string {
  if (isStorageError(error)) return storageErrorText(error);
  return error instanceof Error ? `${error.name}: ${error.message}`.slice(0, LONGEST) : 'unknown';
}
