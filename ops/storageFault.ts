import { isSignInError } from '#shared/storage/storageError.ts';

/** What the storage service, or the way to it, has against an operation. */
export type StorageFault =
  /** The identity or signature is known, and may not do this. */
  | { kind: 'forbidden'; code: string }
  /** The key, signature or sign-in itself was refused, or there is no sign-in. */
  | { kind: 'unauthenticated'; code: string | undefined; message: string }
  /** The queue or table does not exist. */
  | { kind: 'missing' }
  /** The queue or table is there, and what was asked for in it is not. */
  | { kind: 'not-there' }
  | { kind: 'unavailable'; message: string };

const MISSING = ['QueueNotFound', 'TableNotFound'];
/** The last two are answers to a pop receipt that was made up. */
const NOT_THERE = ['MessageNotFound', 'ResourceNotFound', 'PopReceiptMismatch', 'InvalidQueryParameterValue'];

/** What kind of fault an error is. An error that no answer of the service explains is `unavailable`. Never throws. */
export function storageFault(error: unknown): StorageFault {
  const { statusCode, code } = answerIn(error);
  const message =
    statusCode === undefined ? safeMessage(error) : `it answers ${statusCode} ${code ?? ''}`.trimEnd();
  if (code !== undefined && MISSING.includes(code)) {
    return { kind: 'missing' };
  }
  if (code !== undefined && NOT_THERE.includes(code)) {
    return { kind: 'not-there' };
  }
  const isRefused =
    statusCode === 401 || ['AuthenticationFailed', 'KeyBasedAuthenticationNotPermitted'].includes(code ?? '');
  if (isRefused || isSignInError(error)) {
    return { kind: 'unauthenticated', code, message };
  }
  if (statusCode === 403) {
    return { kind: 'forbidden', code: code ?? '403' };
  }
  return { kind: 'unavailable', message };
}

/** An error in words for a person; the SDKs' own may be no more than a status, or a body of XML. */
export function describeError(error: unknown): string {
  const { statusCode, code } = answerIn(error);
  if (statusCode === undefined) {
    const isStorage = error instanceof Error && error.name === 'RestError';
    return `${isStorage ? 'The storage service cannot be reached: ' : ''}${safeMessage(error)}`;
  }
  const answer = `The storage service answered ${statusCode} ${code ?? ''}`.trimEnd();
  return `${answer}. "npm run ops -- check" says what is missing.`;
}

/** Status and the service's own code, one word; both SDKs put them into the same places. */
function answerIn(error: unknown): { statusCode?: number; code?: string } {
  if (!(error instanceof Error) || !('statusCode' in error) || typeof error.statusCode !== 'number') {
    return {};
  }
  const details = 'details' in error ? (error.details as { errorCode?: unknown } | undefined) : undefined;
  const code = details?.errorCode;
  return { statusCode: error.statusCode, ...(typeof code === 'string' && /^\w+$/.test(code) && { code }) };
}

/** An error's message without a key or signature in it. */
function safeMessage(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message.replaceAll(/\b(sig|AccountKey|SharedAccessSignature)=[^&;\s]+/gi, '$1=...').slice(0, 600);
}
