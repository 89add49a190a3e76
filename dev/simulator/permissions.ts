/**
 * What becomes of the app of another tenant that signs in: consent was given, or the reason why it gets no token.
 * `no-consent` is what a customer's tenant answers that nobody has connected, or whose administrator deleted the app.
 */
export const signInStates = [
  'granted',
  'no-consent',
  'no-service-principal',
  'no-grant',
  'no-resource',
  'app-disabled',
  'outage',
] as const;
export type SignInState = (typeof signInStates)[number];

/** What apps may do in a tenant. */
export interface Permissions {
  /** Whether the app of another tenant can sign in. Tokens that it has stay good until they end. */
  readonly signIn: SignInState;
  setSignIn(state: SignInState): void;
  /** App permissions that tokens issued from now on carry, each for its own API. */
  readonly roles: ReadonlySet<string>;
  grant(roles: readonly string[]): void;
  revoke(roles: readonly string[]): void;
  /** As at the start. */
  reset(): void;
}

export function createPermissions(rolesAtStart: readonly string[], signInAtStart: SignInState): Permissions {
  let roles = new Set(rolesAtStart);
  let signIn = signInAtStart;
  return {
    get signIn() {
      return signIn;
    },
    setSignIn(state) {
      signIn = state;
    },
    get roles() {
      return roles;
    },
    grant(added) {
      roles = new Set([...roles, ...added]);
    },
    revoke(removed) {
      roles = new Set([...roles].filter((role) => !removed.includes(role)));
    },
    reset() {
      roles = new Set(rolesAtStart);
      signIn = signInAtStart;
    },
  };
}
