import type { RateLimit } from './rateWindows.ts';

/** What an error says: a code for programs, a message for people. */
export interface ErrorText {
  code: string;
  message: string;
}

/** What the body of an error may refer to. */
export interface ErrorContext {
  /** Tracking ID of the call. */
  target: string;
  tenantId: string;
  /** The time of the call, in milliseconds since 1970. */
  now: number;
}

/** How an API words its errors. The APIs behind the server differ in little else. */
export interface ApiErrors {
  body(error: ErrorText, context: ErrorContext): unknown;
  invalidToken(reason: string): ErrorText;
  wrongAudience(audience: string): ErrorText & { status: 401 | 403 };
  missingRole(required: readonly string[], granted: readonly string[]): ErrorText;
  /** `waitSeconds` is undefined for a 429 that does not say how long to wait. */
  throttled(limit: RateLimit, waitSeconds: number | undefined): ErrorText;
  wrongMethod(method: string): ErrorText;
  timeout: ErrorText;
  /** Of a gateway in front of the service; `page` where that answers with HTML of its own. */
  gateway: ErrorText | 'page';
  internal: ErrorText;
  badRequest: ErrorText;
  notFound: ErrorText;
}

/** The body of every error of the Defender API. `target` is a tracking ID. */
export interface ApiErrorBody {
  error: { code: string; message: string; target: string };
}

export function apiError(code: string, message: string, target: string): ApiErrorBody {
  return { error: { code, message, target } };
}

export const defenderErrors: ApiErrors = {
  // The real service has the tenant as the target of a 429.
  body: ({ code, message }, { target, tenantId }) =>
    apiError(code, message, code === '429' ? tenantId : target),
  invalidToken: (reason) => ({ code: 'Unauthorized', message: reason }),
  wrongAudience: (audience) => ({
    status: 403,
    code: 'Forbidden',
    message: `The audience of the bearer token is not this API but '${audience}'.`,
  }),
  missingRole: ([role]) => ({
    code: 'Forbidden',
    message: `Missing application roles. API required roles: ${role}`,
  }),
  throttled: (limit, waitSeconds) => ({
    code: '429',
    message: quotaMessage(limit, 'Destination+TenantID+AppID', waitSeconds),
  }),
  wrongMethod: (method) => ({
    code: 'BadRequest',
    message: `The requested resource does not support http method '${method}'.`,
  }),
  timeout: { code: 'RequestTimeout', message: 'The request timed out.' },
  gateway: 'page',
  internal: { code: 'InternalServerError', message: 'Something went wrong. Try again.' },
  badRequest: { code: 'InvalidInput', message: 'The alert ID is not valid.' },
  notFound: { code: 'ResourceNotFound', message: 'Alert not found' },
};

/** The text of a 429 as the real service writes it, for example "... Maximum allowed 100 per 00:01:00 ...". */
export function quotaMessage(
  { calls, windowMs }: RateLimit,
  key: string,
  waitSeconds: number | undefined,
): string {
  const quota = `Maximum allowed ${calls} per ${timeSpanText(windowMs)} for the key ${key}.`;
  const wait = waitSeconds === undefined ? '' : ` You can send requests again in ${waitSeconds} seconds.`;
  return `API calls quota exceeded! ${quota}${wait}`;
}

/** Hours, minutes and seconds as .NET writes a TimeSpan below a day, with 7 fractional digits where there are any. */
function timeSpanText(milliseconds: number): string {
  const seconds = Math.floor(milliseconds / 1000);
  const parts = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  const fraction = milliseconds % 1000;
  const fractionText = fraction === 0 ? '' : `.${String(fraction).padStart(3, '0')}0000`;
  return parts.map((part) => String(part).padStart(2, '0')).join(':') + fractionText;
}
