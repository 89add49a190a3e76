import { createHmac, randomBytes } from 'node:crypto';

/** The claims of an app's access token that matter here. Times are seconds since 1970. */
export interface TokenClaims {
  aud: string;
  iss: string;
  iat: number;
  nbf: number;
  exp: number;
  appid: string;
  oid: string;
  sub: string;
  tid: string;
  /** The app permissions granted when the token was issued. */
  roles: string[];
  ver: '1.0' | '2.0';
}

/** What a token says about its bearer. */
export type TokenSubject = Pick<TokenClaims, 'aud' | 'iss' | 'appid' | 'oid' | 'tid' | 'roles' | 'ver'>;

/** What became of a token that a caller presented. */
export type TokenCheck =
  | { kind: 'valid'; claims: TokenClaims }
  | { kind: 'expired'; claims: TokenClaims; reason: string }
  | { kind: 'invalid'; reason: string };

/** Issues and checks the tokens of all tenants. */
export interface Tokens {
  /** A token from now on for so many seconds. `now` is in milliseconds. */
  issue(
    subject: TokenSubject,
    lifetimeSeconds: number,
    now: number,
  ): { accessToken: string; expiresOn: number };
  /** Checks signature and expiry. Audience and roles are the API's business. `now` is in milliseconds. */
  check(token: string, now: number): TokenCheck;
  /** Every token issued since the start, for tests that search logs for them. */
  readonly issued: readonly string[];
}

/** Tokens are JSON Web Tokens signed with HS256. The real service signs with RS256; callers must not look inside anyway. */
export function createTokens(): Tokens {
  const secret = randomBytes(32);
  const issued: string[] = [];
  return {
    issued,
    issue(subject, lifetimeSeconds, now) {
      const issuedAt = Math.floor(now / 1000);
      const expiresOn = issuedAt + lifetimeSeconds;
      const claims: TokenClaims = {
        ...subject,
        iat: issuedAt,
        nbf: issuedAt,
        exp: expiresOn,
        sub: subject.oid,
      };
      const content = `${base64UrlJson({ typ: 'JWT', alg: 'HS256' })}.${base64UrlJson(claims)}`;
      const accessToken = `${content}.${signatureOf(content, secret)}`;
      issued.push(accessToken);
      return { accessToken, expiresOn };
    },
    check(token, now) {
      const [header, payload, signature, ...rest] = token.split('.');
      if (header === undefined || payload === undefined || signature === undefined || rest.length > 0) {
        return { kind: 'invalid', reason: 'the bearer token is not a JSON Web Token' };
      }
      if (signature !== signatureOf(`${header}.${payload}`, secret)) {
        return { kind: 'invalid', reason: 'the signature of the bearer token is wrong' };
      }
      const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as TokenClaims;
      return claims.exp * 1000 <= now
        ? {
            kind: 'expired',
            claims,
            reason: `the bearer token expired at ${new Date(claims.exp * 1000).toISOString()}`,
          }
        : { kind: 'valid', claims };
    },
  };
}

function base64UrlJson(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

function signatureOf(content: string, secret: Buffer): string {
  return createHmac('sha256', secret).update(content).digest('base64url');
}
