/** Whether an error is the storage service's answer with this HTTP status. Both SDKs put it into `statusCode`. */
export function hasStatus(error: unknown, status: number): boolean {
  return error instanceof Error && 'statusCode' in error && error.statusCode === status;
}

/**
 * The storage service's own word for an error, such as `TableNotFound`; undefined when it says none.
 * https://learn.microsoft.com/rest/api/storageservices/table-service-error-codes and .../queue-service-error-codes
 */
export function storageErrorCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('details' in error)) {
    return undefined;
  }
  const details = error.details as { errorCode?: unknown; odataError?: { code?: unknown } } | undefined;
  const code = details?.odataError?.code ?? details?.errorCode;
  return typeof code === 'string' && /^\w+$/.test(code) ? code : undefined;
}

/** Whether a row was not created because there is one already. Other conflicts are about the table. */
export function isLostCreation(error: unknown): boolean {
  return hasStatus(error, 409) && storageErrorCode(error) !== 'TableBeingDeleted';
}

/** Whether a write with an ETag was not made because the row was changed or deleted meanwhile. */
export function isLostUpdate(error: unknown): boolean {
  return hasStatus(error, 412) || hasStatus(error, 404);
}

/** What `@azure/identity` throws when there is no sign-in. */
const SIGN_IN_ERRORS = [
  'AggregateAuthenticationError',
  'AuthenticationError',
  'AuthenticationRequiredError',
  'CredentialUnavailableError',
];

/** Thrown when an operation of the storage service has taken too long. */
export class StorageTimeoutError extends Error {
  override name = 'StorageTimeoutError';
}

/** Whether an error says that there is no sign-in. */
export function isSignInError(error: unknown): boolean {
  return error instanceof Error && SIGN_IN_ERRORS.includes(error.name);
}

/** Whether the storage service, the way to it, or the sign-in to it is the cause of an error. */
export function isStorageError(error: unknown): error is Error {
  return (
    error instanceof Error &&
    (isSignInError(error) || error.name === 'RestError' || error instanceof StorageTimeoutError)
  );
}

/** What the storage service has against an operation, in one line without addresses, names or signatures. */
export function storageErrorText(error: Error): string {
  if (isSignInError(error)) {
    return 'there is no sign-in to the storage service';
  }
  if (error instanceof StorageTimeoutError) {
    return error.message;
  }
  const status = 'statusCode' in error ? error.statusCode : undefined;
  if (typeof status !== 'number') {
    return 'the storage service cannot be reached';
  }
  const code = storageErrorCode(error);
  return `the storage service answers ${status}${code === undefined ? '' : ` ${code}`}`;
}

const LONGEST_ERROR_TEXT = 500;

/** What the log is told of an error: of one of the storage service no addresses, names or signatures. */
export function errorText(error: unknown): string {
  if (isStorageError(error)) {
    return storageErrorText(error);
  }
  return error instanceof Error ? `${error.name}: ${error.message}`.slice(0, LONGEST_ERROR_TEXT) : 'unknown';
}
