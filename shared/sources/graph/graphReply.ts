import {
  describeResponse,
  type Failure,
  type HttpResponse,
  type ListPage,
  readErrorBody,
  readFailure,
  readJson,
  readList,
  retryAfterMs,
} from '../apiReply.ts';
import type { BatchReply } from '../batch.ts';
import { type DeviceEvidence, parseGraphAlert } from './deviceEvidence.ts';
import { type HuntingRow, readHuntingRows } from './huntingRow.ts';

const SERVICE = 'Microsoft Graph';

/** What the response to `GET /security/alerts_v2/{id}` means: the device that the alert is about, null for none. */
export type AlertReply = { kind: 'alert'; device: DeviceEvidence | null } | Failure;

/** What the response to a list of alerts means. */
export type AlertListReply = ListPage | Failure;

/** What the response to `POST /security/runHuntingQuery` means; rows by the ID that was asked for. */
export type HuntingReply = BatchReply<HuntingRow>;

/** Reads the response to a look-up of an alert. */
export function readAlertReply(response: HttpResponse, now: Date): AlertReply {
  if (response.status !== 200) {
    return readGraphFailure(response, now);
  }
  const body = readJson(SERVICE, response, now);
  if (body.kind !== 'json') {
    return body;
  }
  const alert = parseGraphAlert(body.json);
  return alert.kind === 'alert'
    ? alert
    : { kind: 'unusable', detail: 'Microsoft Graph answered 200 with a body that is no alert' };
}

/** Reads the response to a list of alerts. */
export function readAlertListReply(response: HttpResponse, now: Date): AlertListReply {
  return response.status === 200 ? readList(SERVICE, response, now) : readGraphFailure(response, now);
}

/** It is not published what Graph writes for an alert that it does not know: each 404 is taken as that. */
function readGraphFailure(response: HttpResponse, now: Date): Failure {
  const failure = readFailure(SERVICE, response, now);
  return response.status === 404 && failure.kind === 'unavailable'
    ? { kind: 'not_found', detail: failure.detail }
    : failure;
}

const TABLES = /'(AlertEvidence|DeviceInfo|DeviceNetworkInfo)'/;
const UNRESOLVED = /failed to resolve table/i;
/** https://learn.microsoft.com/defender-xdr/advanced-hunting-limits and .../advanced-hunting-errors */
const LIMITS =
  /exceeded the allowed limits|excessive resource consumption|allowed result size|timeout period/i;
/** The tenant's processor time for queries, which comes back each quarter of an hour. */
const CPU = /processing resources allocated/i;
const QUARTER_MS = 15 * 60_000;
const NO_PRODUCT =
  'The tenant has no such table: hunting needs Microsoft Defender for Endpoint Plan 2 or Defender XDR. Devices are described by the evidence of their alerts alone.';
const BAD_QUERY =
  'This is a fault of this app, please report it. Devices are described by the evidence of their alerts alone.';
/** Pause after a 429 that says neither how long nor why (ms). The documented limit is by minute. */
const USUAL_PAUSE_MS = 60_000;

/** Reads the response to a hunting query. */
export function readHuntingReply(response: HttpResponse, now: Date): HuntingReply {
  const { status, body } = response;
  const error = readErrorBody(body);
  const detail = describeResponse(`${SERVICE} (hunting)`, status, error);
  if (status === 200) {
    return readRows(response, now);
  }
  if (status === 400) {
    const words = error?.message ?? '';
    if (LIMITS.test(words)) {
      return { kind: 'too_big', detail };
    }
    const isTable = UNRESOLVED.test(words) && TABLES.test(words);
    // No query can be answered then, until that changes.
    return {
      kind: 'forbidden',
      code: error?.code ?? 'BadRequest',
      detail,
      advice: isTable ? NO_PRODUCT : BAD_QUERY,
    };
  }
  if (status === 429) {
    return { kind: 'throttled', retryAfterMs: huntingPauseMs(response, now), detail };
  }
  return readFailure(SERVICE, response, now);
}

/**
 * How long to pause after a 429 (ms). A CPU quota that is used up lasts to the next quarter of an hour, unless the
 * service says a time.
 */
function huntingPauseMs({ retryAfter, body }: HttpResponse, now: Date): number {
  const told = retryAfterMs(retryAfter, body, now);
  if (told !== undefined) {
    return told;
  }
  return CPU.test(body) ? QUARTER_MS - (now.getTime() % QUARTER_MS) : USUAL_PAUSE_MS;
}

function readRows(response: HttpResponse, now: Date): HuntingReply {
  const body = readJson(SERVICE, response, now);
  if (body.kind !== 'json') {
    return body;
  }
  const rows = readHuntingRows(body.json);
  return rows === undefined
    ? { kind: 'unusable', detail: 'Microsoft Graph answered 200 with a body that is no hunting answer' }
    : { kind: 'rows', rows: new Map(rows.map((row) => [row.get('requestid') ?? '', row])) };
}
