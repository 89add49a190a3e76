import { createHmac } from 'node:crypto';

/** The claims of a managed identity's access token that matter here. Times are seconds since 1970. */
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
  ver: '1.0';
}

/** What became of a token that a caller presented. */
export type TokenCheck = { kind: 'valid'; claims: TokenClaims } | { kind: 'invalid'; reason: string };

/** A JSON Web Token signed with HS256. The real service signs with RS256; callers must not look inside anyway. */
export function signToken(claims: TokenClaims, secret: Buffer): string {
  const content = `${base64UrlJson({ typ: 'JWT', alg: 'HS256' })}.${base64UrlJson(claims)}`;
  return `${content}.${signatureOf(content, secret)}`;
}

/** Checks signature and expiry. Audience and roles are the API's business. `now` is in milliseconds. */
export function checkToken(token: string, secret: Buffer, now: number): TokenCheck {
  const [header, payload, signature, ...rest] = token.split('.');
  if (header === undefined || payload === undefined || signature === undefined || rest.length > 0) {
    return { kind: 'invalid', reason: 'the bearer token is not a JSON Web Token' };
  }
  if (signature !== signatureOf(`${header}.${payload}`, secret)) {
    return { kind: 'invalid', reason: 'the signature of the bearer token is wrong' };
  }
  const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as TokenClaims;
  if (claims.exp * 1000 <= now) {
    return {
      kind: 'invalid',
      reason: `the bearer token expired at ${new Date(claims.exp * 1000).toISOString()}`,
    };
  }
  return { kind: 'valid', claims };
}

function base64UrlJson(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

function signatureOf(content: string, secret: Buffer): string {
  return createHmac('sha256', secret).update(content).digest('base64url');
}
