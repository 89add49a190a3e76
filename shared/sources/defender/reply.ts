import * as z from 'zod';
import { type Machine, parseMachine } from '../../device/machine.ts';
import { parseJson } from '../../text.ts';
import {
  describeResponse,
  type ErrorBody,
  type Failure,
  type HttpResponse,
  readErrorBody,
  retryAfterMs,
} from '../apiReply.ts';
import type { ListedAlert } from '../source.ts';

const SERVICE = 'Defender';

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

const listBodySchema = z.object({
  value: z.array(z.unknown()),
  '@odata.nextLink': z.string().min(1).optional().catch(undefined),
});

export function readReply(response: HttpResponse, now: Date): Reply {
  return response.status === 200 ? readMachine(response, now) : readFailure(response, now);
}

export function readListReply(response: HttpResponse, now: Date): ListReply {
  return response.status === 200 ? readList(response, now) : readFailure(response, now);
}

/**
 * Classifies a response by its status; the error code in the body is text for people ("429" has been seen as one). Two
 * things only the body tells: that a 403 is about the quota (gateways in front of Microsoft's APIs answer so), and
 * whether a 404 is the API's own word about the alert.
 */
function readFailure(response: HttpResponse, now: Date): Failure {
  const { status, retryAfter, body } = response;
  const error = readErrorBody(body);
  const detail = describeResponse(SERVICE, status, error);
  if (status === 429 || (status === 403 && isQuotaText(body))) {
    return throttled(response, detail, now);
  }
  if (status === 204) {
    return { kind: 'not_found', detail };
  }
  if (status === 404) {
    return readNotFound(body, error, detail);
  }
  if (status === 410) {
    return { kind: 'retired', detail };
  }
  if (status === 401) {
    return { kind: 'unauthorized', detail };
  }
  if (status === 403) {
    return { kind: 'forbidden', code: error?.code ?? 'Forbidden', detail };
  }
  if (status >= 400 && status < 500 && status !== 408) {
    return {
      kind: 'rejected',
      code: error?.code ?? `HTTP ${status}`,
      message: error?.message ?? detail,
      target: error?.target,
    };
  }
  return { kind: 'unavailable', retryAfterMs: retryAfterMs(retryAfter, '', now), detail };
}

/** What gateways in front of Microsoft's APIs write: "Out of call volume quota", "Rate limit is exceeded". */
function isQuotaText(body: string): boolean {
  return /call volume quota|rate limit is exceeded|quota exceeded|too many requests/i.test(body);
}

function throttled({ retryAfter, body }: HttpResponse, detail: string, now: Date): Failure {
  return { kind: 'throttled', retryAfterMs: retryAfterMs(retryAfter, body, now), detail };
}

/** Web frameworks say so of an address that they do not serve; Defender's own 404 has an error body about the alert. */
const NO_SUCH_ROUTE = /no HTTP resource was found|no type was found that matches the controller/i;

function readNotFound(body: string, error: ErrorBody | undefined, detail: string): Failure {
  if (NO_SUCH_ROUTE.test(body)) {
    return { kind: 'retired', detail: `${detail}: no such address` };
  }
  if (error !== undefined) {
    return { kind: 'not_found', detail };
  }
  return { kind: 'unavailable', detail: `${detail} without saying what was not found` };
}

function readMachine(response: HttpResponse, now: Date): Reply {
  const json = parseJson(response.body);
  if (json === undefined) {
    return notJson(response.body);
  }
  const refusal = readRefusal(response, now);
  if (refusal !== undefined) {
    return refusal;
  }
  const reading = parseMachine(json);
  return reading.kind === 'machine'
    ? reading
    : {
        kind: 'unusable',
        detail: `Defender answered 200 with a body that is no machine: ${reading.detail}`,
      };
}

/** An error that came with 200: the quota's is taken at its word, any other is a fault that passes. */
function readRefusal(response: HttpResponse, now: Date): Failure | undefined {
  const error = readErrorBody(response.body);
  if (error === undefined) {
    return undefined;
  }
  const isQuota = /^(429|TooManyRequests)$/i.test(error.code);
  const detail = describeResponse(SERVICE, 200, error);
  return isQuota ? throttled(response, detail, now) : { kind: 'unavailable', detail: `${detail}: an error` };
}

function readList(response: HttpResponse, now: Date): ListReply {
  const json = parseJson(response.body);
  if (json === undefined) {
    return notJson(response.body);
  }
  const refusal = readRefusal(response, now);
  if (refusal !== undefined) {
    return refusal;
  }
  const { data } = listBodySchema.safeParse(json);
  return data === undefined
    ? { kind: 'unusable', detail: 'Defender answered 200 with a body that is no list' }
    : { kind: 'list', entries: data.value, hasNextLink: data['@odata.nextLink'] !== undefined };
}

/** What is no JSON is not Defender's: a page of a gateway, or an answer that was cut. */
function notJson(body: string): Failure {
  return {
    kind: 'unavailable',
    detail: `Defender answered 200 with ${body.length} characters that are no JSON`,
  };
}

const text = z.string().optional().catch(undefined);

/** What is read of an alert in a list; of all its fields only the ID must be there. */
const alertEntrySchema = z.object({
  id: z.string(),
  machineId: text,
  aadTenantId: text,
  severity: text,
  status: text,
  detectionSource: text,
  /** ISO 8601, UTC, with up to 7 fractional digits, of which a Date keeps three. */
  lastUpdateTime: z.iso
    .datetime()
    .transform((time) => new Date(time))
    .optional()
    .catch(undefined),
});

/** Undefined for what is no alert. */
export function readListedAlert(entry: unknown): ListedAlert | undefined {
  const { data } = alertEntrySchema.safeParse(entry);
  return (
    data && {
      alertId: data.id,
      machineId: data.machineId,
      tenantId: data.aadTenantId,
      severity: data.severity,
      status: data.status,
      detectionSource: data.detectionSource,
      updatedAt: data.lastUpdateTime,
    }
  );
}
