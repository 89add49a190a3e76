import { createHash, randomUUID } from 'node:crypto';
import type { Sources } from '#shared/applicationSources.ts';
import { quotaReport } from '#shared/quota/quotaReport.ts';
import type { AlertReply, HuntingReply } from '#shared/sources/graph/graphReply.ts';
import { devicesQuery } from '#shared/sources/graph/huntingQuery.ts';
import { describeError } from '../storageFault.ts';
import { quotaFinding } from './checkDefender.ts';
import { countedCall } from './countedCall.ts';
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
      () => client.alert(alertId, token, signal),
      (reply) => alertFinding(reply, apiUrl),
    ),
    await callApi(
      HUNTING,
      hunting,
      () => client.hunt(devicesQuery([deviceId]), token, signal),
      (reply) => huntingFinding(reply, apiUrl),
    ),
  ];

  async function callApi<Reply extends AlertReply | HuntingReply>(
    subject: string,
    api: Sources['graph']['quota'],
    call: () => Promise<Reply>,
    findingOf: (reply: Reply) => Finding,
  ): Promise<Finding> {
    try {
      const { ledger } = await api.store.read();
      const stopped = quotaFinding(quotaReport(ledger, api.rules, 0, Date.now()));
      return stopped.status === 'ok'
        ? await countedCall(subject, api, signal, call, findingOf)
        : { ...stopped, subject };
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
