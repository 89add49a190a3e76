import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import got, { type Got, RequestError } from 'got';
import { type Reply, readReply } from './reply.ts';

/** Speaks HTTP with the Defender API: one request, one reply, no retries and no exceptions. */
export interface DefenderClient {
  machineOfAlert(alertId: string, token: string, signal: AbortSignal): Promise<Reply>;
}

/**
 * No machine seen is larger than 20 KB; what exceeds this is not read, compressed or not. The machine and the device
 * made of it, which can be over three times as long, share one table row of 1 MiB with two bytes a character.
 */
const LONGEST_BODY = 100 * 1024;

const REQUEST_TIMEOUTS = { connect: 5_000, secureConnect: 5_000, response: 20_000, request: 30_000 };

/** @param apiUrl Address of the API without a slash at its end, already checked to be Defender's own. */
export function createDefenderClient(apiUrl: string, now: () => Date): DefenderClient {
  const http: Got = got.extend({
    agent: { http: new HttpAgent({ keepAlive: true }), https: new HttpsAgent({ keepAlive: true }) },
    timeout: REQUEST_TIMEOUTS,
    // The pipeline has its own rules for trying again, and a redirect would carry the token elsewhere.
    retry: { limit: 0 },
    followRedirect: false,
    throwHttpErrors: false,
    headers: { accept: 'application/json', 'user-agent': 'defender-alert-enrichment' },
  });

  return {
    async machineOfAlert(alertId, token, signal) {
      const url = `${apiUrl}/api/alerts/${encodeURIComponent(alertId)}/machine`;
      try {
        const stream = http.stream(url, { headers: { authorization: `Bearer ${token}` }, signal });
        const body = await readText(stream);
        if (body === undefined)
          return { kind: 'unavailable', detail: `Defender's answer is longer than ${LONGEST_BODY} bytes` };
        const response = stream.response;
        if (response === undefined) return { kind: 'unavailable', detail: 'Defender sent no response' };
        return readReply(
          { status: response.statusCode, retryAfter: response.headers['retry-after'], body },
          now(),
        );
      } catch (error) {
        return { kind: 'unavailable', detail: `Defender could not be reached: ${describe(error)}` };
      }
    },
  };
}

/** The decompressed text of a response, or undefined when it is too long. */
async function readText(stream: AsyncIterable<Uint8Array>): Promise<string | undefined> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of stream) {
    length += chunk.length;
    if (length > LONGEST_BODY) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** Of an error only its code and message: got's errors carry the request, and that carries the token. */
function describe(error: unknown): string {
  if (error instanceof RequestError) return `${error.code}, ${error.message}`;
  return error instanceof Error ? error.message : String(error);
}
