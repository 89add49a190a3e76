import { type ApiErrors, type ErrorContext, type ErrorText, quotaMessage } from '../apiError.ts';

/** The body of every error of Microsoft Graph. */
export function graphErrorBody({ code, message }: ErrorText, { target, now }: ErrorContext) {
  const date = new Date(now).toISOString().slice(0, 19);
  return {
    error: { code, message, innerError: { date, 'request-id': target, 'client-request-id': target } },
  };
}

/**
 * How Microsoft Graph words its errors for alerts. 401, 403 and 5xx are as seen in captures; nobody has published a
 * 404 or a 429 of this route, so those are as other workloads of Graph have them.
 */
export const graphErrors: ApiErrors = {
  body: graphErrorBody,
  invalidToken: (reason) => ({ code: 'InvalidAuthenticationToken', message: reason }),
  wrongAudience: () => ({
    status: 401,
    code: 'InvalidAuthenticationToken',
    message: 'Access token validation failure. Invalid audience.',
  }),
  missingRole: (required, granted) => ({
    code: 'Forbidden',
    message: `Missing application roles. API required roles: ${required.join(',')}, application roles: ${granted.join(',')}.`,
  }),
  throttled: (_limit, waitSeconds) => ({
    code: 'TooManyRequests',
    message: waitSeconds === undefined ? 'Too many requests.' : `Too many requests. ${againIn(waitSeconds)}`,
  }),
  wrongMethod: (method) => ({
    code: 'BadRequest',
    message: `The HTTP method '${method}' is not supported for this resource.`,
  }),
  timeout: { code: 'UnknownError', message: '' },
  gateway: { code: 'UnknownError', message: '' },
  internal: { code: 'UnknownError', message: '' },
  badRequest: { code: 'BadRequest', message: 'Invalid alert ID.' },
  notFound: { code: 'NotFound', message: 'The alert was not found.' },
};

/** How it words them for hunting queries. The text of a 429 is that of the older API for the same queries. */
export const huntingErrors: ApiErrors = {
  ...graphErrors,
  throttled: (limit, waitSeconds) => ({
    code: 'TooManyRequests',
    message: quotaMessage(limit, 'TenantID', waitSeconds),
  }),
  badRequest: { code: 'BadRequest', message: 'A syntax error was found. Fix syntax errors in your query.' },
};

function againIn(seconds: number): string {
  return `You can send requests again in ${seconds} seconds.`;
}
