import { createHash } from 'node:crypto';

/** Names a body, in one media type: the same body has the same tag, in every process. */
export function entityTagOf(body: string): string {
  return `"${createHash('sha256').update(body).digest('base64url').slice(0, 27)}"`;
}

/**
 * Whether the caller has this body already (RFC 9110, section 13.1.2: weak comparison).
 * @param ifNoneMatch The header; null when there is none.
 */
export function isKnown(entityTag: string, ifNoneMatch: string | null): boolean {
  if (ifNoneMatch === null) return false;
  return ifNoneMatch
    .split(',')
    .map((part) => part.trim().replace(/^W\//, ''))
    .some((tag) => tag === '*' || tag === entityTag);
}
