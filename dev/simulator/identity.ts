import { randomBytes, randomUUID } from 'node:crypto';
import { rolesFor } from './audiences.ts';
import { guid, seededRandom } from './random.ts';
import { checkToken, signToken, type TokenCheck } from './tokens.ts';

/** How the identity endpoint behaves. */
export interface IdentityBehaviour {
  /** `outage` answers 500, `wrong-audience` issues tokens for another API. */
  mode: 'normal' | 'outage' | 'wrong-audience';
  /** How long every answer is held back. */
  delayMs: number;
  /** How long a token lives; 0 issues tokens that are expired already. */
  lifetimeSeconds: number;
}

export interface IssuedToken {
  accessToken: string;
  /** Seconds since 1970. */
  expiresOn: number;
  clientId: string;
}

/** The directory behind the identity endpoint: who the identity is, what it may do, and its tokens. */
export interface Identity {
  readonly tenantId: string;
  /** Secret that callers of the identity endpoint must present as `X-IDENTITY-HEADER`. */
  readonly header: string;
  readonly behaviour: IdentityBehaviour;
  setBehaviour(change: Partial<IdentityBehaviour>): void;
  /** App permissions that tokens issued from now on carry, each for its own API. */
  readonly roles: ReadonlySet<string>;
  grant(roles: readonly string[]): void;
  revoke(roles: readonly string[]): void;
  /** Whether there is an identity of this client ID; without one, whether there is a system-assigned identity. */
  has(clientId: string | undefined): boolean;
  /** A token for the system-assigned identity, or for the user-assigned one that `clientId` names. */
  issue(request: { resource: string; clientId: string | undefined }, now: number): IssuedToken;
  check(token: string, now: number): TokenCheck;
  /** Every token issued since the start, for tests that search logs for them. */
  readonly issuedTokens: readonly string[];
  /** Back to the behaviour and roles of the start. Tokens stay valid. */
  reset(): void;
}

export interface IdentityOptions {
  seed: string;
  roles: readonly string[];
  lifetimeSeconds: number;
  /** Client ID of the only identity; without it there is a system-assigned one, and one of any client ID. */
  userAssignedClientId?: string | undefined;
}

/** The tenant of the identity and of all alerts. */
export const TENANT_ID = '12345678-9abc-def0-1234-56789abcdef0';

const OTHER_AUDIENCE = 'https://management.azure.com';

export function createIdentity(options: IdentityOptions): Identity {
  const { seed, roles: rolesAtStart, lifetimeSeconds, userAssignedClientId } = options;
  const random = seededRandom(seed, 'identity');
  const tenantId = TENANT_ID;
  const systemClientId = guid(random);
  const secret = randomBytes(32);
  const issuedTokens: string[] = [];
  const behaviourAtStart: IdentityBehaviour = { mode: 'normal', delayMs: 0, lifetimeSeconds };
  let behaviour = behaviourAtStart;
  let roles = new Set(rolesAtStart);

  return {
    tenantId,
    header: randomUUID(),
    issuedTokens,
    get behaviour() {
      return behaviour;
    },
    get roles() {
      return roles;
    },
    setBehaviour(change) {
      behaviour = { ...behaviour, ...change };
    },
    grant(added) {
      roles = new Set([...roles, ...added]);
    },
    revoke(removed) {
      roles = new Set([...roles].filter((role) => !removed.includes(role)));
    },
    has: (clientId) => userAssignedClientId === undefined || clientId === userAssignedClientId,
    issue({ resource, clientId = systemClientId }, now) {
      const issuedAt = Math.floor(now / 1000);
      const objectId = guid(seededRandom(seed, 'object', clientId));
      const expiresOn = issuedAt + behaviour.lifetimeSeconds;
      const audience = behaviour.mode === 'wrong-audience' ? OTHER_AUDIENCE : resource;
      const accessToken = signToken(
        {
          aud: audience,
          iss: `https://sts.windows.net/${tenantId}/`,
          iat: issuedAt,
          nbf: issuedAt,
          exp: expiresOn,
          appid: clientId,
          oid: objectId,
          sub: objectId,
          tid: tenantId,
          roles: rolesFor(audience, roles),
          ver: '1.0',
        },
        secret,
      );
      issuedTokens.push(accessToken);
      return { accessToken, expiresOn, clientId };
    },
    check: (token, now) => checkToken(token, secret, now),
    reset() {
      behaviour = behaviourAtStart;
      roles = new Set(rolesAtStart);
    },
  };
}
