/** The body of every error of the API. `target` is a tracking ID. */
export interface ApiErrorBody {
  error: { code: string; message: string; target: string };
}

export function apiError(code: string, message: string, target: string): ApiErrorBody {
  return { error: { code, message, target } };
}

/**
 * The text of a 429 as the real service writes it, for example "... Maximum allowed 100 per 00:01:00 ...".
 * `waitSeconds` is undefined for a 429 that does not say how long to wait.
 */
export function quotaMessage(calls: number, windowMs: number, waitSeconds: number | undefined): string {
  const quota = `Maximum allowed ${calls} per ${timeSpanText(windowMs)} for the key Destination+TenantID+AppID.`;
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
