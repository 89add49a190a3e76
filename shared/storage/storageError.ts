/** What `@azure/identity` throws when there is no sign-in. */
const SIGN_IN_ERRORS = [
  'AggregateAuthenticationError',
  'AuthenticationError',
  'AuthenticationRequiredError',
  'CredentialUnavailableError',
];

/** Whether an error says that there is no sign-in. */
export function isSignInError(error: unknown): boolean {
  return error instanceof Error && SIGN_IN_ERRORS.includes(error.name);
}

/** Whether the storage service, the way to it, or the sign-in to it is the cause of an error. */
export function isStorageError(error: unknown): error is Error {
  return error instanceof Error && (isSignInError(error) || error.name === 'RestError');
}

/** What the storage service has against an operation, in one line without addresses, names or signatures. */
export function storageErrorText(error: Error): string {
  if (isSignInError(error)) return 'there is no sign-in to the storage service';
  const status = 'statusCode' in error ? error.statusCode : undefined;
  if (typeof status !== 'number') return 'the storage service cannot be reached';
  const details = 'details' in error ? (error.details as { errorCode?: unknown } | undefined) : undefined;
  const code = details?.errorCode;
  const word = typeof code === 'string' && /^\w+$/.test(code) ? ` ${code}` : '';
  return `the storage service answers ${status}${word}`;
}
