import { isDefenderAudience } from './audiences.ts';
import type { Identity } from './identity.ts';

/** Whether a call may be made, and by whom. */
export type Authorization =
  | { kind: 'allowed'; appId: string }
  | { kind: 'refused'; appId: string | null; status: 401 | 403; code: string; message: string };

/**
 * Checks the bearer token as the real service does: 401 without a good token, 403 for a token of another audience
 * or without a role.
 *
 * @param roles the app permissions of which one is enough; the first is the one that errors name
 */
export function authorize(
  header: string | undefined,
  roles: readonly string[],
  identity: Identity,
  now: number,
): Authorization {
  const [, token] = /^Bearer (\S+)$/i.exec(header ?? '') ?? [];
  if (token === undefined) {
    return refusal(null, 401, 'The Authorization header holds no bearer token.');
  }
  const check = identity.check(token, now);
  if (check.kind === 'invalid') {
    return refusal(null, 401, `Unauthorized: ${check.reason}.`);
  }
  const { aud: audience, appid: appId, roles: granted } = check.claims;
  if (!isDefenderAudience(audience)) {
    return refusal(appId, 403, `The audience of the bearer token is not this API but '${audience}'.`);
  }
  if (!roles.some((role) => granted.includes(role))) {
    return refusal(appId, 403, `Missing application roles. API required roles: ${roles[0]}`);
  }
  return { kind: 'allowed', appId };
}

function refusal(appId: string | null, status: 401 | 403, message: string): Authorization {
  return { kind: 'refused', appId, status, code: status === 401 ? 'Unauthorized' : 'Forbidden', message };
}
