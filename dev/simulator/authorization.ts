import type { ApiErrors, ErrorText } from './apiError.ts';
import type { TokenCheck, Tokens } from './tokens.ts';

/** Whether a call may be made, and by whom. */
export type Authorization =
  | { kind: 'allowed'; appId: string }
  | { kind: 'refused'; status: 401 | 403; error: ErrorText };

/** What a call needs of its token. */
export interface Requirements {
  isAudience(audience: string): boolean;
  /** The app permissions of which one is enough, least first. */
  roles: readonly string[];
  errors: ApiErrors;
}

/** What the bearer token of a call says; undefined where there is none. */
export function bearerOf(header: string | undefined, tokens: Tokens, now: number): TokenCheck | undefined {
  const [, token] = /^Bearer (\S+)$/i.exec(header ?? '') ?? [];
  return token === undefined ? undefined : tokens.check(token, now);
}

/**
 * Checks a token as the real services do: 401 without a good token, then the audience, and 403 for a token without a
 * role.
 */
export function authorize(
  bearer: TokenCheck | undefined,
  { isAudience, roles, errors }: Requirements,
): Authorization {
  if (bearer === undefined) {
    return refusal(401, errors.invalidToken('The Authorization header holds no bearer token.'));
  }
  if (bearer.kind !== 'valid') {
    return refusal(401, errors.invalidToken(`Unauthorized: ${bearer.reason}.`));
  }
  const { aud: audience, appid: appId, roles: granted } = bearer.claims;
  if (!isAudience(audience)) {
    const { status, ...error } = errors.wrongAudience(audience);
    return refusal(status, error);
  }
  if (!roles.some((role) => granted.includes(role))) {
    return refusal(403, errors.missingRole(roles, granted));
  }
  return { kind: 'allowed', appId };
}

function refusal(status: 401 | 403, error: ErrorText): Authorization {
  return { kind: 'refused', status, error };
}
