import * as z from 'zod';
import { type Machine, parseMachine } from '../../device/machine.ts';
import { parseJson } from '../../text/parseJson.ts';
import { retryAfterMs } from './retryAfter.ts';

/** What arrived over HTTP, read whole. */
export interface HttpResponse {
  status: number;
  retryAfter: string | undefined;
  body: string;
}

/** What the response to a look-up of a machine means. */
export type Reply = { kind: 'machine'; machine: Machine } | Failure;

/** What the response to a list query means. */
export type ListReply = ListPage | Failure;

export interface ListPage {
  kind: 'list';
  /** Unchecked. */
  entries: unknown[];
  /** Whether the service says that more follow. Where a request names a page size it may say nothing all the same. */
  hasNextLink: boolean;
}

/** What a response of the Defender API means that does not bring what was asked for. */
export type Failure =
  | { kind: 'not_found'; detail: string }
  | { kind: 'throttled'; retryAfterMs: number | undefined; detail: string }
  /** 401: the token was not accepted. */
  | { kind: 'unauthorized'; detail: string }
  /** 403: the token was understood, and the app may not do this. */
  | { kind: 'forbidden'; detail: string }
  | { kind: 'unavailable'; detail: string }
  | { kind: 'rejected'; code: string; message: string; target?: string | undefined };

/** The API's error body, as documented; `target` is its tracking ID. */
const errorBodySchema = z.object({
  error: z.object({
    code: z.string().catch('unknown'),
    message: z.string().catch(''),
    target: z.string().optional().catch(undefined),
  }),
});

interface ErrorBody {
  code: string;
  message: string;
  target?: string | undefined;
}

const LONGEST_MESSAGE = 500;

const listBodySchema = z.object({
  value: z.array(z.unknown()),
  '@odata.nextLink': z.string().min(1).optional().catch(undefined),
});

export function readReply(response: HttpResponse, now: Date): Reply {
  return response.status === 200 ? readMachine(response.body) : readFailure(response, now);
}

export function readListReply(response: HttpResponse, now: Date): ListReply {
  return response.status === 200 ? readList(response.body) : readFailure(response, now);
}

/** Classifies a response by its status; the error code in the body is text for people ("429" has been seen as one). */
function readFailure({ status, retryAfter, body }: HttpResponse, now: Date): Failure {
  const error = readError(body);
  const detail = describe(status, error);
  if (status === 404) return { kind: 'not_found', detail };
  if (status === 429) return { kind: 'throttled', retryAfterMs: retryAfterMs(retryAfter, body, now), detail };
  if (status === 401) return { kind: 'unauthorized', detail };
  if (status === 403) return { kind: 'forbidden', detail };
  if (status >= 400 && status < 500 && status !== 408) {
    return {
      kind: 'rejected',
      code: error?.code ?? `HTTP ${status}`,
      message: error?.message ?? detail,
      target: error?.target,
    };
  }
  return { kind: 'unavailable', detail };
}

function readMachine(body: string): Reply {
  const json = parseJson(body);
  if (json === undefined) return notJson(body);
  const reading = parseMachine(json);
  return reading.kind === 'machine'
    ? reading
    : {
        kind: 'unavailable',
        detail: `Defender answered 200 with a body that is no machine: ${reading.detail}`,
      };
}

function readList(body: string): ListReply {
  const json = parseJson(body);
  if (json === undefined) return notJson(body);
  const { data } = listBodySchema.safeParse(json);
  return data === undefined
    ? { kind: 'unavailable', detail: 'Defender answered 200 with a body that is no list' }
    : { kind: 'list', entries: data.value, hasNextLink: data['@odata.nextLink'] !== undefined };
}

function notJson(body: string): Failure {
  return {
    kind: 'unavailable',
    detail: `Defender answered 200 with ${body.length} characters that are no JSON`,
  };
}

function readError(body: string): ErrorBody | undefined {
  const { data } = errorBodySchema.safeParse(parseJson(body));
  return data && { ...data.error, message: data.error.message.slice(0, LONGEST_MESSAGE) };
}

function describe(status: number, error: ErrorBody | undefined): string {
  if (error === undefined) return `Defender answered ${status}`;
  const tracking = error.target === undefined ? '' : ` (tracking ID ${error.target.slice(0, 100)})`;
  return `Defender answered ${status} ${error.code}: ${error.message}${tracking}`;
}
