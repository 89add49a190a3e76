import * as z from 'zod';

/** What of an access token a person may see. */
export interface TokenClaims {
  audience: string;
  appId: string;
  /** Object ID of the identity in the tenant. */
  objectId: string | undefined;
  /** The tenant that issued it. */
  tenantId: string | undefined;
  /** Application roles; a person's own sign-in has `scopes` instead. */
  roles: string[];
  /** Undefined for an application. */
  scopes: string[] | undefined;
  issuedAt: Date;
  expiresAt: Date;
}

/** https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference */
const claimsSchema = z.object({
  aud: z.string(),
  appid: z.string().optional(),
  azp: z.string().optional(),
  oid: z.string().optional(),
  tid: z.string().optional(),
  roles: z.array(z.string()).default([]),
  scp: z.string().optional(),
  iat: z.number(),
  exp: z.number(),
});

/** Reads the claims without checking the signature, which is the API's business; undefined for what is no JWT. */
export function readTokenClaims(token: string): TokenClaims | undefined {
  const claims = claimsSchema.safeParse(payloadOf(token)).data;
  return (
    claims && {
      audience: claims.aud,
      appId: claims.appid ?? claims.azp ?? 'unknown',
      objectId: claims.oid,
      tenantId: claims.tid,
      roles: claims.roles,
      scopes: claims.scp?.split(' '),
      issuedAt: new Date(claims.iat * 1_000),
      expiresAt: new Date(claims.exp * 1_000),
    }
  );
}

function payloadOf(token: string): unknown {
  try {
    return JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8'));
  } catch {
    return undefined;
  }
}
