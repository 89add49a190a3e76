import type { HttpRequest } from '@azure/functions';
import { failure, type Result, success } from '../result.ts';
import { LONGEST_WAIT_SECONDS, waitSchema } from './contract.ts';
import type { Problem } from './problem.ts';

/** The largest body that is taken. */
export const MAX_BODY_BYTES = 4 * 1024 * 1024;

const JSON_TYPE = /^application\/(?:[\w!#$&^.+-]+\+)?json$/;
const TAKEN = 'application/json, application/*+json, text/plain';

/**
 * The value that a body holds: JSON, or the text itself when it is declared as plain text.
 * Reads no more of it than is taken.
 */
export async function readRequestBody(
  request: Pick<HttpRequest, 'headers' | 'body'>,
): Promise<Result<unknown, Problem>> {
  const coding = request.headers.get('content-encoding') ?? 'identity';
  if (coding.trim().toLowerCase() !== 'identity') {
    const detail = `The body is encoded as ${JSON.stringify(shown(coding))}. Send it as it is, without Content-Encoding.`;
    return failure({ ...unsupported(detail), headers: { 'accept-encoding': 'identity' } });
  }
  const form = formOf(request.headers.get('content-type'));
  if (!form.ok) {
    return form;
  }
  const text = await readText(request);
  if (!text.ok) {
    return text;
  }
  if (text.value.trim() === '') {
    return failure({ problem: 'malformed-body', detail: 'The body is empty. Send at least one alert.' });
  }
  return form.value === 'text' ? success(text.value.trim()) : parse(text.value);
}

function formOf(contentType: string | null): Result<'json' | 'text', Problem> {
  const [type = '', ...parameters] = (contentType ?? '').split(';').map((part) => part.trim().toLowerCase());
  const isJson = JSON_TYPE.test(type);
  if (!isJson && type !== 'text/plain') {
    const got = type === '' ? 'The body has no Content-Type' : `The body is ${JSON.stringify(shown(type))}`;
    return failure(unsupported(`${got}. Send JSON as "application/json", or one alert ID as "text/plain".`));
  }
  const charset = parameters.find((parameter) => parameter.startsWith('charset='))?.slice('charset='.length);
  if (charset !== undefined && !['utf-8', 'utf8', 'us-ascii'].includes(charset.replaceAll('"', ''))) {
    return failure(unsupported(`The body is said to be in ${JSON.stringify(shown(charset))}. Send UTF-8.`));
  }
  return success(isJson ? 'json' : 'text');
}

async function readText({
  headers,
  body,
}: Pick<HttpRequest, 'headers' | 'body'>): Promise<Result<string, Problem>> {
  if (Number(headers.get('content-length') ?? 0) > MAX_BODY_BYTES) {
    return tooLarge;
  }
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of (body ?? []) as AsyncIterable<Uint8Array>) {
    bytes += chunk.byteLength;
    if (bytes > MAX_BODY_BYTES) {
      return tooLarge;
    }
    chunks.push(chunk);
  }
  try {
    return success(new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks)));
  } catch {
    return failure({ problem: 'malformed-body', detail: 'The body is not UTF-8 text.' });
  }
}

function parse(text: string): Result<unknown, Problem> {
  try {
    return success(JSON.parse(text));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return failure({ problem: 'malformed-body', detail: `The body is no JSON: ${reason}` });
  }
}

const tooLarge = failure<Problem>({
  problem: 'too-large',
  detail: `The body is larger than ${MAX_BODY_BYTES / 1024 / 1024} MiB. Send the alerts in several orders.`,
});

function unsupported(detail: string): Problem {
  return { problem: 'unsupported-media-type', detail, headers: { 'accept-post': TAKEN } };
}

function shown(text: string): string {
  return text.slice(0, 80);
}

/** How long the caller will wait, in seconds; undefined when the caller does not say. @param text The query parameter. */
export function readWait(text: string | null): Result<number | undefined, Problem> {
  if (text === null) {
    return success(undefined);
  }
  const seconds = waitSchema.safeParse(/^\d{1,3}$/.test(text) ? Number(text) : undefined).data;
  if (seconds !== undefined) {
    return success(seconds);
  }
  const detail = `"wait" takes whole seconds from 0 to ${LONGEST_WAIT_SECONDS}, once.`;
  return failure({ problem: 'malformed-wait', detail });
}

/** Says when the caller will wait no longer. @param seconds Undefined or 0 says so at once. */
export function endOfWait(seconds = 0): AbortSignal {
  return seconds === 0 ? AbortSignal.abort() : AbortSignal.timeout(seconds * 1_000);
}
