/** Whether an error is the storage service's answer with this HTTP status. Both SDKs put it into `statusCode`. */
export function hasStatus(error: unknown, status: number): boolean {
  return error instanceof Error && 'statusCode' in error && error.statusCode === status;
}

/**
 * The storage service's own word for an error, such as `TableNotFound`; undefined when it says none.
 * https://learn.microsoft.com/rest/api/storageservices/table-service-error-codes and .../queue-service-error-codes
 */
export function storageErrorCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('details' in error)) return undefined;
  const details = error.details as { errorCode?: unknown; odataError?: { code?: unknown } } | undefined;
  const code = details?.odataError?.code ?? details?.errorCode;
  return typeof code === 'string' && /^\w+$/.test(code) ? code : undefined;
}

/** Whether a row was not created because there is one already. Other conflicts are about the table. */
export function isLostCreation(error: unknown): boolean {
  return hasStatus(error, 409) && storageErrorCode(error) !== 'TableBeingDeleted';
}

/** Whether a write with an ETag was not made because somebody else has changed the row, or has deleted it. */
export function isLostUpdate(error: unknown): boolean {
  return hasStatus(error, 412) || hasStatus(error, 404);
}
