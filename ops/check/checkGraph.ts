import { createHash, randomUUID } from 'node:crypto';
import type { Sources } from '#shared/applicationSources.ts';
import { quotaReport } from '#shared/quota/quotaReport.ts';
import type { AlertReply, HuntingReply } from '#shared/sources/graph/graphReply.ts';
import { devicesQuery } from '#shared/sources/graph/huntingQuery.ts';
import { describeError } from '../storageFault.ts';
import { timeOf } from '../words.ts';
import { quotaFinding } from './checkDefender.ts';
import { type Finding, ok, problem, unknown } from './finding.ts';

const ALERTS = 'Graph alerts';
const HUNTING = 'Graph hunting';

/** What comes of it where the ledger cannot be used. */
export const graphWithoutLedger: Finding[] = [
  unknown(ALERTS, 'not called: every call is counted in the ledger'),
  unknown(HUNTING, 'not called: every call is counted in the ledger'),
];

/**
 * Whether Microsoft Graph answers. That costs one call to each of its two APIs at most, about an alert and a device that
 * do not exist, counted like any other. None is made while the app itself makes none.
 */
export async function checkGraph(
  { client, tokens, quota, hunting }: Sources['graph'],
  apiUrl: string,
  signal: AbortSignal,
): Promise<Finding[]> {
  const token = await tokens.get().catch(() => undefined);
  if (token === undefined) {
    return [ALERTS, HUNTING].map((subject) => unknown(subject, 'not called: there is no token'));
  }
  const alertId = `operator-check-${randomUUID()}`;
  const deviceId = createHash('sha1').update(randomUUID()).digest('hex');
  return [
    await callApi(
      ALERTS,
      quota,
      (reply) => alertFinding(reply, apiUrl),
      () => client.alert(alertId, token, signal),
    ),
    await callApi(
      HUNTING,
      hunting,
      (reply) => huntingFinding(reply, apiUrl),
      () => client.hunt(devicesQuery([deviceId]), token, signal),
    ),
  ];

  async function callApi<Reply extends AlertReply | HuntingReply>(
    subject: string,
    { store, rules, gate }: Sources['graph']['quota'],
    findingOf: (reply: Reply) => Finding,
    call: () => Promise<Reply>,
  ): Promise<Finding> {
    try {
      const { ledger } = await store.read();
      const stopped = quotaFinding(quotaReport(ledger, rules, 0, Date.now()));
      if (stopped.status !== 'ok') {
        return { ...stopped, subject };
      }
      const permit = await gate.acquire({ place: 'last', mayProbeCircuit: false }, signal);
      if (permit.kind !== 'granted') {
        return unknown(subject, `not called: ${permit.detail} (${timeOf(permit.until)})`);
      }
      const reply = await call();
      // A refusal is not reported: it may be that of the operator's own sign-in, and would stop the app.
      if (reply.kind === 'throttled') {
        await gate.throttled(reply.retryAfterMs);
      } else if (['alert', 'rows', 'not_found', 'rejected'].includes(reply.kind)) {
        await gate.succeeded(permit);
      }
      return findingOf(reply);
    } catch (error) {
      return problem(subject, describeError(error));
    }
  }
}

function alertFinding(reply: AlertReply, apiUrl: string): Finding {
  if (reply.kind === 'alert' || reply.kind === 'not_found') {
    return ok(ALERTS, `${apiUrl} answers, and lets this identity ask`);
  }
  return failureFinding(ALERTS, reply);
}

function huntingFinding(reply: HuntingReply, apiUrl: string): Finding {
  return reply.kind === 'rows'
    ? ok(HUNTING, `${apiUrl} answers, and lets this identity ask`)
    : failureFinding(HUNTING, reply);
}

function failureFinding(
  subject: string,
  reply: Exclude<AlertReply | HuntingReply, { kind: 'alert' | 'rows' }>,
): Finding {
  switch (reply.kind) {
    case 'throttled':
      return problem(subject, reply.detail, 'Others use the quota too, or wait.');
    case 'unauthorized':
      return problem(subject, reply.detail, 'Check GRAPH_TOKEN_SCOPE and DEFENDER_CLOUD.');
    case 'forbidden':
      return problem(
        subject,
        reply.detail,
        reply.advice ?? 'See the lines about the Graph token and its roles.',
      );
    case 'rejected':
      return problem(subject, `${reply.code}: ${reply.message}`);
    case 'retired':
    case 'not_found':
    case 'too_big':
    case 'unavailable':
    case 'unusable':
    case 'interrupted':
      return problem(
        subject,
        reply.detail,
        'Check GRAPH_API_URL and DEFENDER_CLOUD, and the network from here.',
      );
  }
}
