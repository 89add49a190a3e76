import * as z from 'zod';
import type { Tokens } from '../tokens.ts';
import { assertionErrors, type SignInError } from './signInErrors.ts';

/** Whose tokens the app registration trusts: each must be exactly that of the token. */
export interface FederatedCredential {
  /** `https://login.microsoftonline.com/<home tenant>/v2.0`. */
  issuer: string;
  /** The object ID of the managed identity. */
  subject: string;
  /** `api://AzureADTokenExchange`. */
  audience: string;
}

/** Some of it; what is left out stays as it is. */
export const credentialChangeSchema = z.strictObject({
  issuer: z.string().exactOptional(),
  subject: z.string().exactOptional(),
  audience: z.string().exactOptional(),
});

/** The registration of the app in its home tenant. */
export interface AppRegistration {
  readonly appId: string;
  readonly credential: FederatedCredential;
  /** Takes any value, as the real service does: a wrong one fails at the exchange. */
  setCredential(change: Partial<FederatedCredential>): void;
  /** Why a token of the identity does not sign the app in; undefined where it does. */
  refuse(assertion: string, now: number): SignInError | undefined;
  /** As at the start. */
  reset(): void;
}

export function createAppRegistration(
  appId: string,
  credentialAtStart: FederatedCredential,
  tokens: Tokens,
): AppRegistration {
  let credential = credentialAtStart;
  return {
    appId,
    get credential() {
      return credential;
    },
    setCredential(change) {
      credential = { ...credential, ...change };
    },
    refuse(assertion, now) {
      const check = tokens.check(assertion, now);
      if (check.kind === 'invalid') {
        return assertionErrors.signature;
      }
      const { claims } = check;
      if (check.kind === 'expired') {
        return assertionErrors.time(claims.nbf * 1000, claims.exp * 1000, now);
      }
      if (claims.iss !== credential.issuer) {
        return assertionErrors.issuer(claims.iss);
      }
      if (claims.aud !== credential.audience) {
        return assertionErrors.audience(claims.aud);
      }
      return claims.sub === credential.subject ? undefined : assertionErrors.subject(claims.sub);
    },
    reset() {
      credential = credentialAtStart;
    },
  };
}
