import type { SignInState } from '../permissions.ts';

/**
 * Why there is no token, as Microsoft Entra says it. The numbers are those of
 * https://learn.microsoft.com/entra/identity-platform/reference-error-codes; texts and status follow public reports of
 * each.
 */
export interface SignInError {
  status: 400 | 401 | 503;
  /** Of OAuth, for programs. */
  error: string;
  /** The number after `AADSTS`. */
  code: number;
  message: string;
  suberror?: string;
}

/** The body of every error. `trace` is the tracking ID of the request. */
export function signInErrorBody(
  { error, code, message, suberror }: SignInError,
  { trace, correlation, now }: { trace: string; correlation: string; now: number },
) {
  const timestamp = `${new Date(now).toISOString().slice(0, 19).replace('T', ' ')}Z`;
  const ids = `Trace ID: ${trace} Correlation ID: ${correlation} Timestamp: ${timestamp}`;
  return {
    error,
    error_description: `AADSTS${code}: ${message} ${ids}`,
    error_codes: [code],
    timestamp,
    trace_id: trace,
    correlation_id: correlation,
    error_uri: `https://login.microsoftonline.com/error?code=${code}`,
    ...(suberror === undefined ? {} : { suberror }),
  };
}

/** A tenant that is in no directory. Discovery and the token endpoint differ in the error alone. */
export function unknownTenant(tenantId: string, error: 'invalid_tenant' | 'invalid_request'): SignInError {
  const message = `Tenant '${tenantId}' not found. Check to make sure you have the correct tenant ID and are signing into the correct cloud. Check with your subscription administrator, this may happen if there are no active subscriptions for the tenant.`;
  return { status: 400, error, code: 90002, message };
}

export function missingParameter(name: string): SignInError {
  const message = `The request body must contain the following parameter: '${name}'.`;
  return { status: 400, error: 'invalid_request', code: 900144, message };
}

export function unsupportedGrant(grant: string): SignInError {
  const message = `The app requested an unsupported grant type '${grant}'.`;
  return { status: 400, error: 'unsupported_grant_type', code: 70003, message };
}

export function invalidScope(scope: string): SignInError {
  const message = `The provided value for scope ${scope} is not valid. Client credential flows must have a scope value with /.default suffixed to the resource identifier (application ID URI).`;
  return { status: 400, error: 'invalid_scope', code: 1002012, message };
}

export function unknownApp(appId: string, directory: string): SignInError {
  const message = `Application with identifier '${appId}' was not found in the directory '${directory}'. This can happen if the application has not been installed by the administrator of the tenant or consented to by any user in the tenant. You may have sent your authentication request to the wrong tenant.`;
  return { status: 400, error: 'unauthorized_client', code: 700016, message };
}

/** What the state of a tenant comes to; undefined where the app can sign in. */
export function stateError(
  state: SignInState,
  { appId, tenantId, directory, resource }: Record<'appId' | 'tenantId' | 'directory' | 'resource', string>,
): SignInError | undefined {
  switch (state) {
    case 'granted':
      return undefined;
    case 'no-consent':
      return unknownApp(appId, directory);
    case 'no-service-principal':
      return {
        status: 401,
        error: 'invalid_client',
        code: 7000229,
        message: `The client application ${appId} is missing service principal in the tenant ${tenantId}. See instructions here: https://go.microsoft.com/fwlink/?linkid=2225119`,
      };
    case 'no-grant':
      return {
        status: 400,
        error: 'invalid_grant',
        code: 65001,
        message: `The user or administrator has not consented to use the application with ID '${appId}'. Send an interactive authorization request for this user and resource.`,
        suberror: 'consent_required',
      };
    case 'no-resource':
      return {
        status: 400,
        error: 'invalid_resource',
        code: 500011,
        message: `The resource principal named ${resource} was not found in the tenant named ${directory}. This can happen if the application has not been installed by the administrator of the tenant or consented to by any user in the tenant. You might have sent your authentication request to the wrong tenant.`,
      };
    case 'app-disabled':
      return {
        status: 401,
        error: 'unauthorized_client',
        code: 7000112,
        message: `Application '${appId}' is disabled.`,
      };
    case 'outage':
      return {
        status: 503,
        error: 'temporarily_unavailable',
        code: 90033,
        message: 'A transient error has occurred. Please try again.',
      };
  }
}

const noMatch = (what: string, value: string, code: number): SignInError => ({
  status: 401,
  error: 'invalid_client',
  code,
  message: `No matching federated identity record found for presented assertion ${what} '${value}'. Check your federated identity credential Subject, Audience and Issuer against the presented assertion. https://learn.microsoft.com/entra/workload-id/workload-identity-federation`,
});

/** What is wrong with the token that a managed identity presents. Times are milliseconds. */
export const assertionErrors = {
  signature: {
    status: 401,
    error: 'invalid_client',
    code: 700027,
    message: 'Client assertion failed signature validation.',
  } satisfies SignInError,
  time: (from: number, until: number, now: number): SignInError => ({
    status: 401,
    error: 'invalid_client',
    code: 700024,
    message: `Client assertion is not within its valid time range. Current time: ${iso(now)}, assertion valid from ${iso(from)}, expiry time of assertion ${iso(until)}.`,
  }),
  issuer: (issuer: string) => noMatch('issuer', issuer, 700211),
  audience: (audience: string) => noMatch('audience', audience, 700212),
  subject: (subject: string) => noMatch('subject', subject, 700213),
};

function iso(time: number): string {
  return new Date(time).toISOString();
}
