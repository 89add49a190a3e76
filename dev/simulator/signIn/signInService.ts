import type { IncomingMessage, ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { rolesFor } from '../audiences.ts';
import type { Identity } from '../identity.ts';
import { guid, seededRandom } from '../random.ts';
import { requestUrl } from '../requestUrl.ts';
import type { Tenant, Tenants } from '../tenant.ts';
import type { Tokens } from '../tokens.ts';
import type { AppRegistration } from './federatedCredential.ts';
import {
  invalidScope,
  missingParameter,
  type SignInError,
  signInErrorBody,
  stateError,
  unknownApp,
  unknownTenant,
  unsupportedGrant,
} from './signInErrors.ts';

/** One request for a token of a tenant, as the sign-in service saw it. */
export interface SignInRecord {
  /** When it arrived, in milliseconds since 1970. */
  time: number;
  /** The tenant in the address, known or not. */
  tenantId: string;
  /** Undefined where the request did not say. */
  appId: string | undefined;
  scope: string | undefined;
  /** The number after `AADSTS` of a refusal; null where a token was issued. */
  error: number | null;
}

export interface SignInParts {
  seed: string;
  tenants: Tenants;
  tokens: Tokens;
  identity: Identity;
  app: AppRegistration;
  /** Oldest first. */
  log: SignInRecord[];
  now: () => number;
}

const ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';

/**
 * Answers one request to the sign-in service (https://login.microsoftonline.com): the description of a tenant, and
 * tokens by the client credentials grant with a client assertion:
 * https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow#third-case-access-token-request-with-a-federated-credential
 *
 * @param origin Where the service is, for example `https://127.0.0.1:8443`.
 */
export async function answerSignInRequest(
  parts: SignInParts,
  origin: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const [, tenantId = '', ...path] = requestUrl(request).pathname.split('/');
  const correlation = String(
    request.headers['client-request-id'] ?? guid(seededRandom(parts.seed, 'correlation')),
  );
  const trace = guid(seededRandom(parts.seed, 'trace', parts.log.length));
  const now = parts.now();
  const refuse = (error: SignInError) =>
    sendJson(response, error.status, signInErrorBody(error, { trace, correlation, now }));

  switch (`${request.method} ${path.join('/')}`) {
    case 'GET v2.0/.well-known/openid-configuration':
      return parts.tenants.byId(tenantId) === undefined
        ? refuse(unknownTenant(tenantId, 'invalid_tenant'))
        : sendJson(response, 200, configurationOf(`${origin}/${tenantId}`));
    case 'POST oauth2/v2.0/token': {
      const form = new URLSearchParams(await text(request));
      const answer = answerForm(parts, tenantId, form, now);
      parts.log.push({
        time: now,
        tenantId,
        appId: form.get('client_id') ?? undefined,
        scope: form.get('scope') ?? undefined,
        error: answer.kind === 'refused' ? answer.error.code : null,
      });
      return answer.kind === 'refused' ? refuse(answer.error) : sendJson(response, 200, answer.body);
    }
    default:
      response.writeHead(404).end();
  }
}

type TokenAnswer = { kind: 'refused'; error: SignInError } | { kind: 'issued'; body: unknown };

/** The checks come in the order of the real service, as far as its answers show it. */
function answerForm(parts: SignInParts, tenantId: string, form: URLSearchParams, now: number): TokenAnswer {
  const refused = (error: SignInError): TokenAnswer => ({ kind: 'refused', error });
  const tenant = parts.tenants.byId(tenantId);
  if (tenant === undefined) {
    return refused(unknownTenant(tenantId, 'invalid_request'));
  }
  const missing = ['grant_type', 'client_id', 'client_assertion', 'scope'].find((name) => !form.get(name));
  if (missing !== undefined) {
    return refused(missingParameter(missing));
  }
  const [grant, appId, assertion, scope] = ['grant_type', 'client_id', 'client_assertion', 'scope'].map(
    (name) => form.get(name) ?? '',
  ) as [string, string, string, string];
  if (grant !== 'client_credentials') {
    return refused(unsupportedGrant(grant));
  }
  if (form.get('client_assertion_type') !== ASSERTION_TYPE) {
    return refused(missingParameter('client_assertion_type'));
  }
  const { app } = parts;
  const resource = /^(\S+)\/\.default$/.exec(scope)?.[1];
  if (resource === undefined) {
    return refused(invalidScope(scope));
  }
  const error =
    appId === app.appId
      ? (stateError(tenant.permissions.signIn, { appId, tenantId, directory: tenant.name, resource }) ??
        app.refuse(assertion, now))
      : unknownApp(appId, tenant.name);
  return error === undefined ? issue(parts, tenant, resource, now) : refused(error);
}

function issue(
  { seed, tokens, identity, app }: SignInParts,
  tenant: Tenant,
  resource: string,
  now: number,
): TokenAnswer {
  const { lifetimeSeconds } = identity.behaviour;
  const { accessToken } = tokens.issue(
    {
      aud: resource,
      iss: `https://sts.windows.net/${tenant.id}/`,
      appid: app.appId,
      // The app has a service principal of its own in each tenant.
      oid: guid(seededRandom(seed, 'service principal', tenant.id)),
      tid: tenant.id,
      roles: rolesFor(resource, tenant.permissions.roles),
      ver: '1.0',
    },
    lifetimeSeconds,
    now,
  );
  return {
    kind: 'issued',
    body: {
      token_type: 'Bearer',
      expires_in: lifetimeSeconds,
      ext_expires_in: lifetimeSeconds,
      access_token: accessToken,
    },
  };
}

/** What the libraries read of a tenant's description before they ask for a token. */
function configurationOf(tenantUrl: string) {
  return {
    issuer: `${tenantUrl}/v2.0`,
    authorization_endpoint: `${tenantUrl}/oauth2/v2.0/authorize`,
    token_endpoint: `${tenantUrl}/oauth2/v2.0/token`,
    end_session_endpoint: `${tenantUrl}/oauth2/v2.0/logout`,
    jwks_uri: `${tenantUrl}/discovery/v2.0/keys`,
    token_endpoint_auth_methods_supported: ['private_key_jwt'],
    response_types_supported: ['code'],
    subject_types_supported: ['pairwise'],
    id_token_signing_alg_values_supported: ['RS256'],
  };
}

function sendJson(response: ServerResponse, status: number, body: unknown): void {
  response
    .writeHead(status, { 'Content-Type': 'application/json; charset=utf-8', 'Cache-Control': 'no-store' })
    .end(JSON.stringify(body));
}
