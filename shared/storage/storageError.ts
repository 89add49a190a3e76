import { storageErrorCode } from './restStatus.ts';

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
  if (isSignInError(error)) return 'there is no sign-in to the storage service';
  if (error instanceof StorageTimeoutError) return error.message;
  const status = 'statusCode' in error ? error.statusCode : undefined;
  if (typeof status !== 'number') return 'the storage service cannot be reached';
  const code = storageErrorCode(error);
  return `the storage service answers ${status}${code === undefined ? '' : ` ${code}`}`;
}
