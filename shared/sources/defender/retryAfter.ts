/** A wait longer than this is taken for nonsense: no documented window of the API is longer than an hour. */
const LONGEST_WAIT_MS = 24 * 3_600_000;

/**
 * How long a 429 asks to wait, in milliseconds: the `Retry-After` header as seconds or as an HTTP date, else the
 * "in N seconds" of the error message (seen in captures: "You can send requests again in 8 seconds."), else undefined.
 */
export function retryAfterMs(header: string | undefined, body: string, now: Date): number | undefined {
  return waitOf(fromHeader(header?.trim() ?? '', now) ?? fromMessage(body));
}

function fromHeader(header: string, now: Date): number | undefined {
  if (/^\d+(\.\d+)?$/.test(header)) return Number(header) * 1_000;
  // An HTTP date begins with the name of a day; anything else that Date understands by luck is none.
  const date = /^[A-Z][a-z]{2,8}, /.test(header) ? Date.parse(header) : Number.NaN;
  return Number.isNaN(date) ? undefined : Math.max(0, date - now.getTime());
}

function fromMessage(body: string): number | undefined {
  const [, seconds] = /\bin (\d{1,9}) seconds?\b/i.exec(body) ?? [];
  return seconds === undefined ? undefined : Number(seconds) * 1_000;
}

function waitOf(milliseconds: number | undefined): number | undefined {
  return milliseconds === undefined ? undefined : Math.min(milliseconds, LONGEST_WAIT_MS);
}
