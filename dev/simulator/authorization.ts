import type { ApiErrors, ErrorText } from './apiError.ts';
import type { Identity } from './identity.ts';

/** Whether a call may be made, and by whom. */
export type Authorization =
  | { kind: 'allowed'; appId: string }
  | { kind: 'refused'; appId: string | null; status: 401 | 403; error: ErrorText };

/** What a call needs of its token. */
export interface Requirements {
  isAudience(audience: string): boolean;
  /** The app permissions of which one is enough, least first. */
  roles: readonly string[];
  errors: ApiErrors;
}

/**
 * Checks the bearer token as the real services do: 401 without a good token, then the audience, and 403 for a token
 * without a role.
 */
export function authorize(
  header: string | undefined,
  { isAudience, roles, errors }: Requirements,
  identity: Identity,
  now: number,
): Authorization {
  const [, token] = /^Bearer (\S+)$/i.exec(header ?? '') ?? [];
  if (token === undefined) {
    return refusal(null, 401, errors.invalidToken('The Authorization header holds no bearer token.'));
  }
  const check = identity.check(token, now);
  if (check.kind === 'invalid') {
    return refusal(null, 401, errors.invalidToken(`Unauthorized: ${check.reason}.`));
  }
  const { aud: audience, appid: appId, roles: granted } = check.claims;
  if (!isAudience(audience)) {
    const { status, ...error } = errors.wrongAudience(audience);
    return refusal(appId, status, error);
  }
  if (!roles.some((role) => granted.includes(role))) {
    return refusal(appId, 403, errors.missingRole(roles, granted));
  }
  return { kind: 'allowed', appId };
}

function refusal(appId: string | null, status: 401 | 403, error: ErrorText): Authorization {
  return { kind: 'refused', appId, status, error };
}
