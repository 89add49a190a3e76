import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import type { Got } from 'got';
import {
  type Failure,
  type HttpResponse,
  type ListReply,
  type Reply,
  readListReply,
  readReply,
} from './reply.ts';

/** Speaks HTTP with the Defender API: one request, one reply, no retries and no exceptions. */
export interface DefenderClient {
  machineOfAlert(alertId: string, token: string, signal: AbortSignal): Promise<Reply>;
  /** One page of the alerts updated at or after `since`, in an order that the API does not tell. */
  alertsUpdatedSince(query: AlertListQuery, token: string, signal: AbortSignal): Promise<ListReply>;
}

export interface AlertListQuery {
  since: Date;
  /** Updates at or after this time are not wanted; undefined wants all. */
  until: Date | undefined;
  /** The size of the page. */
  top: number;
  /** How many alerts of the list come before the page. */
  skip: number;
}

/**
 * No machine seen is larger than 20 KB; what exceeds this is not read, compressed or not. The machine and the device
 * made of it, which can be over three times as long, share one table row of 1 MiB with two bytes a character.
 */
const LONGEST_MACHINE = 100 * 1024;
/** A page of 1,000 alerts has about 3 MB; it is parsed whole, so there must be an end. */
const LONGEST_LIST = 16 * 1024 * 1024;

const REQUEST_TIMEOUTS = { connect: 5_000, secureConnect: 5_000, response: 20_000, request: 30_000 };

/** @param apiUrl Address of the API without a slash at its end, already checked to be Defender's own. */
export function createDefenderClient(apiUrl: string, now: () => Date): DefenderClient {
  let http: Promise<Got> | undefined;

  async function get<Answer>(
    path: string,
    longestBody: number,
    read: (response: HttpResponse, now: Date) => Answer,
    token: string,
    signal: AbortSignal,
  ): Promise<Answer | Extract<Failure, { kind: 'unavailable' | 'unusable' | 'interrupted' }>> {
    try {
      http ??= openHttp();
      const stream = (await http).stream(`${apiUrl}${path}`, {
        headers: { authorization: `Bearer ${token}` },
        signal,
      });
      const body = await readText(stream, longestBody);
      if (body === undefined)
        return { kind: 'unusable', detail: `Defender's answer is longer than ${longestBody} bytes` };
      const response = stream.response;
      if (response === undefined) return { kind: 'unavailable', detail: 'Defender sent no response' };
      return read({ status: response.statusCode, retryAfter: response.headers['retry-after'], body }, now());
    } catch (error) {
      if (signal.aborted) return { kind: 'interrupted', detail: 'the time of this run was up' };
      return { kind: 'unavailable', detail: `Defender could not be reached: ${describe(error)}` };
    }
  }

  return {
    machineOfAlert(alertId, token, signal) {
      const path = `/api/alerts/${encodeURIComponent(alertId)}/machine`;
      return get(path, LONGEST_MACHINE, readReply, token, signal);
    },
    alertsUpdatedSince({ since, until, top, skip }, token, signal) {
      const end = until === undefined ? '' : ` and lastUpdateTime lt ${until.toISOString()}`;
      const filter = encodeURIComponent(`lastUpdateTime ge ${since.toISOString()}${end}`);
      const path = `/api/alerts?$filter=${filter}&$top=${top}&$skip=${skip}`;
      return get(path, LONGEST_LIST, readListReply, token, signal);
    },
  };
}

/** The library is loaded for the first call: whoever finds the answer in storage never needs it. */
async function openHttp(): Promise<Got> {
  const { default: got } = await import('got');
  return got.extend({
    // As storage and identity do, whose SDKs go through a proxy of the environment by themselves. Node.js knows the
    // option from 22.21 and 24.5 on.
    agent: {
      http: new HttpAgent({ keepAlive: true, proxyEnv: process.env }),
      https: new HttpsAgent({ keepAlive: true, proxyEnv: process.env }),
    },
    timeout: REQUEST_TIMEOUTS,
    // The pipeline has its own rules for trying again, and a redirect would carry the token elsewhere.
    retry: { limit: 0 },
    followRedirect: false,
    throwHttpErrors: false,
    headers: { accept: 'application/json', 'user-agent': 'defender-alert-enrichment' },
  });
}

/** The decompressed text of a response, or undefined when it is too long. */
async function readText(stream: AsyncIterable<Uint8Array>, longest: number): Promise<string | undefined> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of stream) {
    length += chunk.length;
    if (length > longest) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** Of an error only its code and message: got's errors carry the request, and that carries the token. */
function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return 'code' in error && typeof error.code === 'string'
    ? `${error.code}, ${error.message}`
    : error.message;
}
