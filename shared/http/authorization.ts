import type { HttpAuthorization } from '../config/httpSettings.ts';

/** What App Service Authentication says about a caller; it keeps callers from saying it themselves. */
const PRINCIPAL_HEADER = 'x-ms-client-principal-id';

/** Whether a caller is let in. With keys the Functions host has asked already. */
export function isAuthorized(
  authorization: HttpAuthorization,
  headers: { get(name: string): string | null },
): boolean {
  return authorization === 'key' || (headers.get(PRINCIPAL_HEADER) ?? '').trim() !== '';
}
