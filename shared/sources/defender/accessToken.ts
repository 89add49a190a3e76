import { DefaultAzureCredential, ManagedIdentityCredential, type TokenCredential } from '@azure/identity';
import { ManagedIdentityApplication } from '@azure/msal-node';

/** Gets access tokens for one scope. */
export interface AccessTokens {
  /** A token that is good for a while. @throws Error when no token can be had. */
  get(): Promise<string>;
  /** A token that is not the one of before: for when the API refused that. @throws Error when no token can be had. */
  renew(): Promise<string>;
}

interface AccessToken {
  token: string;
  expiresOnTimestamp: number;
}

/** A token is replaced this long before it ends, so that none expires on its way. */
const RENEW_BEFORE_END_MS = 5 * 60_000;

/** The libraries would wait for ever for an identity endpoint that does not answer, and every alert with them. */
const LONGEST_REQUEST_MS = 30_000;

/** Keeps one token per process and has at most one request for it under way. */
export function createAccessTokens(
  request: (options: { fresh: boolean }) => Promise<AccessToken>,
  now: () => number,
): AccessTokens {
  let current: AccessToken | undefined;
  let underWay: Promise<AccessToken> | undefined;

  function fetchToken(fresh: boolean): Promise<AccessToken> {
    underWay ??= inTime(request({ fresh }))
      .then((token) => {
        current = token;
        return token;
      })
      .finally(() => {
        underWay = undefined;
      });
    return underWay;
  }

  return {
    async get() {
      const usable = current !== undefined && current.expiresOnTimestamp - now() > RENEW_BEFORE_END_MS;
      return (usable && current ? current : await fetchToken(false)).token;
    },
    async renew() {
      return (await fetchToken(true)).token;
    },
  };
}

async function inTime<T>(answer: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    const error = new Error(`the identity endpoint gave no answer within ${LONGEST_REQUEST_MS / 1_000} s`);
    timer = setTimeout(() => reject(error), LONGEST_REQUEST_MS);
  });
  try {
    return await Promise.race([answer, late]);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Asks for tokens as the place we run in offers: the managed identity where there is an identity endpoint (in Azure),
 * elsewhere what `DefaultAzureCredential` finds (environment, workload identity, the developer's own sign-in).
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
    if (fresh) await refreshManagedIdentityCache(scope, clientId);
    return requestToken(credential, scope);
  };
}

async function requestToken(credential: TokenCredential, scope: string): Promise<AccessToken> {
  const token = await credential.getToken(scope);
  if (token === null) throw new Error(`no token for ${scope}`);
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
