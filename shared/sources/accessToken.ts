import { DefaultAzureCredential, ManagedIdentityCredential, type TokenCredential } from '@azure/identity';
import { ManagedIdentityApplication } from '@azure/msal-node';
import * as z from 'zod';
import { withinTime } from '../promises.ts';

/** Gets access tokens for one scope. */
export interface AccessTokens {
  /** A token that is good for a while. @throws Error when no token can be had. */
  get(): Promise<string>;
  /** A token that is not the one of before: for when the API refused that. @throws Error when no token can be had. */
  renew(): Promise<string>;
  /** For a person: how the app gets a role that its tokens lack, where that is not by a grant to its own identity. */
  grants?: string;
}

/** Thrown when there is no token. The message says why, and what a person can do about it. */
export class SignInError extends Error {
  override readonly name = 'SignInError';
}

interface AccessToken {
  token: string;
  expiresOnTimestamp: number;
}

/** How long before its end a token is renewed in the background (ms). */
const RENEW_BEFORE_END_MS = 5 * 60_000;
/** With less than this left, callers wait for the new token (ms). */
const SHORTEST_USE_MS = 30_000;

/**
 * Longest request for a token (ms). Without it the libraries would wait for ever for an identity endpoint that does not
 * answer, and every alert with them.
 */
const LONGEST_REQUEST_MS = 30_000;

/**
 * Keeps one token per process and has at most one request for it under way.
 * @param issuer What is asked for the token, for a person.
 */
export function createAccessTokens(
  request: (options: { fresh: boolean }) => Promise<AccessToken>,
  now: () => number,
  issuer = 'the identity endpoint',
): AccessTokens {
  let current: AccessToken | undefined;
  let underWay: { fresh: boolean; token: Promise<AccessToken> } | undefined;

  /** Joins the request under way, unless a fresh token is wanted and that request may bring the old one. */
  function fetchToken(fresh: boolean): Promise<AccessToken> {
    if (underWay !== undefined && (underWay.fresh || !fresh)) {
      return underWay.token;
    }
    const askNow = () => ask(fresh);
    const fetching = { fresh, token: underWay?.token.then(askNow, askNow) ?? askNow() };
    underWay = fetching;
    const done = () => {
      if (underWay === fetching) {
        underWay = undefined;
      }
    };
    fetching.token.then(done, done);
    return fetching.token;
  }

  async function ask(fresh: boolean): Promise<AccessToken> {
    current = await withinTime(request({ fresh }), LONGEST_REQUEST_MS, () => {
      throw new Error(`${issuer} gave no answer within ${LONGEST_REQUEST_MS / 1_000} s`);
    });
    return current;
  }

  return {
    async get() {
      const held = current;
      const remainingMs = held === undefined ? 0 : held.expiresOnTimestamp - now();
      if (held === undefined || remainingMs < SHORTEST_USE_MS) {
        return (await fetchToken(false)).token;
      }
      // It is good until it ends, so no caller waits for the next one, nor fails where that cannot be had yet.
      if (remainingMs <= RENEW_BEFORE_END_MS) {
        fetchToken(false).catch(() => undefined);
      }
      return held.token;
    },
    async renew() {
      return (await fetchToken(true)).token;
    },
  };
}

/**
 * How tokens are asked for: as the managed identity where there is an identity endpoint (in Azure), elsewhere by what
 * `DefaultAzureCredential` finds (environment, workload identity, the developer's own sign-in).
 */
export function tokenRequester(
  scope: string,
  clientId: string | undefined,
  hasIdentityEndpoint: boolean,
): (options: { fresh: boolean }) => Promise<AccessToken> {
  if (!hasIdentityEndpoint) {
    const credential = new DefaultAzureCredential(
      clientId === undefined ? {} : { managedIdentityClientId: clientId },
    );
    return () => requestToken(credential, scope);
  }
  const credential =
    clientId === undefined ? new ManagedIdentityCredential() : new ManagedIdentityCredential({ clientId });
  return async ({ fresh }) => {
    if (fresh) {
      await refreshManagedIdentityCache(scope, clientId);
    }
    return requestToken(credential, scope);
  };
}

/** Gets a token of the credential for one scope. @throws Error when there is none. */
export async function requestToken(credential: TokenCredential, scope: string): Promise<AccessToken> {
  const token = await credential.getToken(scope);
  if (token === null) {
    throw new Error(`no token for ${scope}`);
  }
  return token;
}

/**
 * `ManagedIdentityCredential` has no way round its cache, and a token from before a role was granted stays without it
 * for hours. MSAL, on which the credential rests, keeps that cache per process and can be told to refresh it.
 */
async function refreshManagedIdentityCache(scope: string, clientId: string | undefined): Promise<void> {
  const application = new ManagedIdentityApplication(
    clientId === undefined ? {} : { managedIdentityIdParams: { userAssignedClientId: clientId } },
  );
  await application.acquireToken({ resource: scope.replace(/\/\.default$/, ''), forceRefresh: true });
}

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
