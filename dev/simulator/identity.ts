import { randomUUID } from 'node:crypto';
import { isExchangeAudience, rolesFor } from './audiences.ts';
import { guid, seededRandom } from './random.ts';
import type { Tenant } from './tenant.ts';
import type { Tokens } from './tokens.ts';

/** How the identity endpoint behaves. */
export interface IdentityBehaviour {
  /** `outage` answers 500, `wrong-audience` issues tokens for another API. */
  mode: 'normal' | 'outage' | 'wrong-audience';
  /** How long every answer is held back. */
  delayMs: number;
  /** How long a token lives, those of other tenants too; 0 issues tokens that are expired already. */
  lifetimeSeconds: number;
}

export interface IssuedToken {
  accessToken: string;
  /** Seconds since 1970. */
  expiresOn: number;
  clientId: string;
}

/** The managed identities of the home tenant, behind the identity endpoint. */
export interface Identity {
  /** Secret that callers of the identity endpoint must present as `X-IDENTITY-HEADER`. */
  readonly header: string;
  readonly behaviour: IdentityBehaviour;
  setBehaviour(change: Partial<IdentityBehaviour>): void;
  /** Whether there is an identity of this client ID; without one, whether there is a system-assigned identity. */
  has(clientId: string | undefined): boolean;
  /** The object ID of an identity in the directory, which is the subject of its tokens. */
  principalOf(clientId: string): string;
  /** A token for the system-assigned identity, or for the user-assigned one that `clientId` names. */
  issue(request: { resource: string; clientId: string | undefined }, now: number): IssuedToken;
  /** Back to the behaviour of the start. Tokens stay valid. */
  reset(): void;
}

export interface IdentityOptions {
  seed: string;
  home: Tenant;
  tokens: Tokens;
  lifetimeSeconds: number;
  /** Client ID of the only identity; without it there is a system-assigned one, and one of any client ID. */
  userAssignedClientId?: string | undefined;
}

/** The tenant of the identity: the home tenant, and the only one unless there are others. */
export const TENANT_ID = '12345678-9abc-def0-1234-56789abcdef0';

const OTHER_AUDIENCE = 'https://management.azure.com';

export function createIdentity(options: IdentityOptions): Identity {
  const { seed, home, tokens, lifetimeSeconds, userAssignedClientId } = options;
  const systemClientId = guid(seededRandom(seed, 'identity'));
  const behaviourAtStart: IdentityBehaviour = { mode: 'normal', delayMs: 0, lifetimeSeconds };
  let behaviour = behaviourAtStart;
  const principalOf = (clientId: string) => guid(seededRandom(seed, 'object', clientId));

  return {
    header: randomUUID(),
    get behaviour() {
      return behaviour;
    },
    setBehaviour(change) {
      behaviour = { ...behaviour, ...change };
    },
    has: (clientId) => userAssignedClientId === undefined || clientId === userAssignedClientId,
    principalOf,
    issue({ resource, clientId = systemClientId }, now) {
      const audience = behaviour.mode === 'wrong-audience' ? OTHER_AUDIENCE : resource;
      const issuer = isExchangeAudience(audience)
        ? ({ iss: exchangeIssuer(home.id), ver: '2.0' } as const)
        : ({ iss: `https://sts.windows.net/${home.id}/`, ver: '1.0' } as const);
      const subject = {
        ...issuer,
        aud: audience,
        appid: clientId,
        oid: principalOf(clientId),
        tid: home.id,
        roles: rolesFor(audience, home.permissions.roles),
      };
      return { ...tokens.issue(subject, behaviour.lifetimeSeconds, now), clientId };
    },
    reset() {
      behaviour = behaviourAtStart;
    },
  };
}

/** Who issues the tokens that identities of a tenant exchange for those of other tenants. */
export function exchangeIssuer(tenantId: string): string {
  return `https://login.microsoftonline.com/${tenantId}/v2.0`;
}
