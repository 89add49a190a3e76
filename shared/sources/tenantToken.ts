import { ClientAssertionCredential } from '@azure/identity';
import {
  type AccessTokens,
  createAccessTokens,
  readTokenClaims,
  requestToken,
  SignInError,
  tokenRequester,
} from './accessToken.ts';

/** An app registration of the home tenant that trusts a managed identity, and where it signs in. */
export interface FederatedApp {
  appId: string;
  /** Client ID of the managed identity. */
  identityClientId: string;
  /** Address of the sign-in service, without a slash at its end. */
  authorityHost: string;
  /** What the managed identity's token is made out for, which is handed in as the app's proof. */
  exchangeScope: string;
}

/** Access tokens of the app for one scope in one customer's tenant. */
export type TenantTokens = (tenantId: string, scope: string) => AccessTokens;

/**
 * Signs in to customers' tenants without a secret: the managed identity's token is the assertion
 * (https://learn.microsoft.com/entra/workload-id/workload-identity-federation-config-app-trust-managed-identity). To be
 * made once a process: it keeps one credential for each tenant and scope, with the tokens that it holds.
 */
export function createTenantTokens(app: FederatedApp, hasIdentityEndpoint: boolean): TenantTokens {
  const { exchangeScope, identityClientId } = app;
  const assertions = createAccessTokens(
    tokenRequester(exchangeScope, identityClientId, hasIdentityEndpoint),
    Date.now,
  );
  const known = new Map<string, AccessTokens>();
  return (tenantId, scope) => {
    const key = `${tenantId} ${scope}`;
    const tokens = known.get(key) ?? tokensOf(app, tenantId, scope, assertions);
    known.set(key, tokens);
    return tokens;
  };
}

function tokensOf(
  app: FederatedApp,
  tenantId: string,
  scope: string,
  assertions: AccessTokens,
): AccessTokens {
  const { appId, authorityHost } = app;
  const getAssertion = () =>
    assertions.get().catch((error: unknown) => {
      throw new AssertionError(error instanceof Error ? error.message : String(error));
    });
  // MSAL asks Microsoft's own cloud about each host that it does not know, which a sign-in service on this machine is.
  const disableInstanceDiscovery = !/^login\.microsoftonline\.(com|us)$/.test(
    new URL(authorityHost).hostname,
  );
  const newCredential = () =>
    new ClientAssertionCredential(tenantId, appId, getAssertion, { authorityHost, disableInstanceDiscovery });
  let credential = newCredential();

  const tokens = createAccessTokens(
    async ({ fresh }) => {
      // The credential has no way round its cache, where a token from before the consent may be.
      if (fresh) {
        credential = newCredential();
      }
      const token = await requestToken(credential, scope).catch((error: unknown) => {
        throw new SignInError(signInText(error, app, tenantId));
      });
      const issuer = readTokenClaims(token.token)?.tenantId?.toLowerCase();
      if (issuer !== undefined && issuer !== tenantId) {
        throw new SignInError(`the sign-in service gave a token of the tenant ${issuer} for ${tenantId}`);
      }
      return token;
    },
    Date.now,
    `the sign-in service, asked for the tenant ${tenantId},`,
  );
  const grants = `In the tenant ${tenantId} the app has the roles that its registration asks for once an administrator of that tenant gives consent, again where they were added later: ${consentLink(app, tenantId)}`;
  return { ...tokens, grants };
}

/** The managed identity gave no token to prove who the app is. */
class AssertionError extends Error {
  override readonly name = 'AssertionError';
}

/** Where an administrator of the tenant lets the app in: https://learn.microsoft.com/entra/identity/enterprise-apps/grant-admin-consent */
export function consentLink({ authorityHost, appId }: FederatedApp, tenantId: string): string {
  return `${authorityHost}/${tenantId}/adminconsent?client_id=${appId}`;
}

/** https://learn.microsoft.com/entra/identity-platform/reference-error-codes */
const CODE = /AADSTS(\d{5,7})/;

/** What is wrong with a sign-in to a tenant, for a person: tenant, code of the service, and what to do. */
export function signInText(error: unknown, app: FederatedApp, tenantId: string): string {
  const text = error instanceof Error ? error.message : String(error);
  if (error instanceof AssertionError || text.startsWith('AssertionError')) {
    return (
      `the managed identity ${app.identityClientId} gave no token to sign in to the tenant ${tenantId} with: ${firstLine(text)}. ` +
      'Check that AZURE_CLIENT_ID names a user-assigned identity of the app'
    );
  }
  const code = CODE.exec(text)?.[1];
  const where = `the tenant ${tenantId} refuses the app ${app.appId}${code === undefined ? '' : ` (AADSTS${code})`}`;
  switch (code) {
    case '700016':
    case '7000229':
    case '65001':
      return `${where}: there is no consent. An administrator of that tenant gives it at ${consentLink(app, tenantId)}`;
    case '7000112':
    case '7000118':
      return `${where}: the app is disabled there. Its administrator turns it on under Enterprise applications`;
    case '700213':
      return `${where}: no federated credential of the app has the identity ${app.identityClientId} as its subject. It takes the identity's principal (object) ID, in exactly these letters`;
    case '700212':
      return `${where}: no federated credential of the app has the audience of the identity's token. It takes ${app.exchangeScope.replace(/\/\.default$/, '')}`;
    case '700211':
      return `${where}: no federated credential of the app has the issuer of the identity's token. It takes ${app.authorityHost}/<home tenant ID>/v2.0`;
    case '90002':
      return `there is no tenant ${tenantId} in this cloud (AADSTS90002). Correct or remove its row`;
    default:
      return isUnresolved(error, text)
        ? `the tenant ${tenantId} does not exist in this cloud, or ${app.authorityHost} cannot be reached`
        : `${where}: ${firstLine(text)}`;
  }
}

/** MSAL looks up the addresses of a tenant first and, where there is none, keeps what the service said to itself. */
function isUnresolved(error: unknown, text: string): boolean {
  const code = error instanceof Error && 'errorCode' in error ? String(error.errorCode) : '';
  return /endpoints_resolution_error|openid_config_error/.test(code + text);
}

/** Most characters of an error that a message quotes. */
const LONGEST_LINE = 300;

function firstLine(text: string): string {
  return text.split('\n', 1)[0]?.slice(0, LONGEST_LINE) ?? '';
}
