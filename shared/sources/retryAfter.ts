/** No wait is told that is longer; the gate keeps none that is longer than the longest window of its quota. */
const LONGEST_WAIT_MS = 24 * 3_600_000;

/**
 * How long a server asks to wait, in milliseconds: the `Retry-After` header as seconds or as an HTTP date, else what the
 * body says (seen in captures: "You can send requests again in 8 seconds.", "Try again in 2 minutes.", "Quota will be
 * replenished in 03:30:56."), else undefined.
 */
export function retryAfterMs(header: string | undefined, body: string, now: Date): number | undefined {
  const wait = fromHeader(header?.trim() ?? '', now) ?? fromText(body);
  return wait === undefined ? undefined : Math.min(wait, LONGEST_WAIT_MS);
}

function fromHeader(header: string, now: Date): number | undefined {
  if (/^\d+(\.\d+)?$/.test(header)) return Number(header) * 1_000;
  // An HTTP date begins with the name of a day; anything else that Date understands by luck is none.
  const date = /^[A-Z][a-z]{2,8}, /.test(header) ? Date.parse(header) : Number.NaN;
  return Number.isNaN(date) ? undefined : Math.max(0, date - now.getTime());
}

const UNITS_MS = { second: 1_000, minute: 60_000, hour: 3_600_000, day: 86_400_000 } as const;
const AMOUNT = /\bin (\d{1,9}(?:\.\d{1,7})?) (second|minute|hour|day)s?\b/i;
/** A .NET TimeSpan: `hh:mm:ss`, with days before and fractions behind where there are any. */
const TIME_SPAN = /\bin (?:(\d{1,5})\.)?(\d{1,2}):(\d{2}):(\d{2}(?:\.\d{1,7})?)\b/i;

function fromText(text: string): number | undefined {
  const [, amount, unit] = AMOUNT.exec(text) ?? [];
  if (amount !== undefined && unit !== undefined) {
    return Math.ceil(Number(amount) * UNITS_MS[unit.toLowerCase() as keyof typeof UNITS_MS]);
  }
  const [, days = '0', hours, minutes, seconds] = TIME_SPAN.exec(text) ?? [];
  if (hours === undefined) return undefined;
  const parts = [
    [days, UNITS_MS.day],
    [hours, UNITS_MS.hour],
    [minutes, UNITS_MS.minute],
    [seconds, UNITS_MS.second],
  ] as const;
  return Math.ceil(parts.reduce((sum, [value, unitMs]) => sum + Number(value) * unitMs, 0));
}
