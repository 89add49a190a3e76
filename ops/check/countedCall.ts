import type { Sources } from '#shared/applicationSources.ts';
import type { Reply } from '#shared/sources/defender/reply.ts';
import type { AlertReply, HuntingReply } from '#shared/sources/graph/graphReply.ts';
import { timeOf } from '../words.ts';
import { type Finding, unknown } from './finding.ts';

/** Replies of an API that serves the app. */
const NORMAL = new Set<string>(['machine', 'alert', 'rows', 'not_found', 'rejected']);

/**
 * Makes one call to an API, the last in its line and counted like any other, and says what comes of it. None is made
 * while the quota permits none.
 */
export async function countedCall<AnyReply extends Reply | AlertReply | HuntingReply>(
  subject: string,
  { gate }: Pick<Sources['defender']['quota'], 'gate'>,
  signal: AbortSignal,
  call: () => Promise<AnyReply>,
  findingOf: (reply: AnyReply) => Finding,
): Promise<Finding> {
  const permit = await gate.acquire({ place: 'last', mayProbeCircuit: false }, signal);
  if (permit.kind !== 'granted') {
    return unknown(subject, `not called: ${permit.detail} (${timeOf(permit.until)})`);
  }
  const reply = await call();
  // A refusal is not reported: it may be that of the operator's own sign-in, and would stop the app.
  if (reply.kind === 'throttled') {
    await gate.throttled(reply.retryAfterMs);
  } else if (NORMAL.has(reply.kind)) {
    await gate.succeeded(permit);
  }
  return findingOf(reply);
}
