import { randomUUID } from 'node:crypto';
import type { Application } from '#shared/application.ts';
import type { Sources } from '#shared/applicationSources.ts';
import type { QuotaReport } from '#shared/quota/quotaReport.ts';
import type { Reply } from '#shared/sources/defender/reply.ts';
import { describeError } from '../storageFault.ts';
import { timeOf } from '../words.ts';
import { countedCall } from './countedCall.ts';
import { type Finding, ok, problem, unknown } from './finding.ts';

/** What comes of it where the ledger cannot be used. */
export const withoutLedger: Finding[] = [
  unknown('quota', 'its ledger lies in storage, see above'),
  unknown('Defender', 'not called: every call is counted in the ledger'),
];

type DefenderDeps = Pick<Application, 'reportQuota' | 'sources'>;

/**
 * What the ledger says about the circuit and pauses, and whether Defender answers. That costs one call at most, a GET
 * for an alert that does not exist, counted like any other. None is made while the app itself makes none.
 */
export async function checkDefender(
  { reportQuota, sources }: DefenderDeps,
  apiUrl: string,
  signal: AbortSignal,
): Promise<Finding[]> {
  let report: QuotaReport;
  try {
    report = await reportQuota();
  } catch (error) {
    return [problem('quota', describeError(error)), ...withoutLedger.slice(1)];
  }
  const quota = quotaFinding(report);
  return quota.status === 'ok'
    ? [quota, await callDefender(sources.defender, apiUrl, signal)]
    : [quota, unknown('Defender', 'not called, because the app itself may not call at present')];
}

/** What the ledger says about one API: calls left, or why none is made. */
export function quotaFinding({ windows, circuit, pausedUntil }: QuotaReport): Finding {
  if (circuit !== null) {
    return problem(
      'quota',
      `the circuit is open since ${timeOf(circuit.openSince)}: ${circuit.detail}`,
      `All alerts wait. Correct what it names; the app tries again by itself, next at ${timeOf(circuit.nextProbe)}.`,
    );
  }
  if (pausedUntil !== null) {
    return problem(
      'quota',
      `calls are paused until ${timeOf(pausedUntil)}, after a 429`,
      "Wait. If it happens often somebody else uses the app's quota: lower DEFENDER_QUOTA_SHARE.",
    );
  }
  const left = windows.map(({ limit, remaining }) => `${remaining} of ${limit.calls}`).join(' and ');
  return ok('quota', `${left} calls left; circuit closed`);
}

async function callDefender(
  { tokens, quota, client }: Sources['defender'],
  apiUrl: string,
  signal: AbortSignal,
): Promise<Finding> {
  const token = await tokens.get().catch(() => undefined);
  if (token === undefined) {
    return unknown('Defender', 'not called: there is no token');
  }
  return countedCall(
    'Defender',
    quota,
    signal,
    () => client.machineOfAlert(`operator-check-${randomUUID()}`, token, signal),
    (reply) => defenderFinding(reply, apiUrl),
  );
}

function defenderFinding(reply: Reply, apiUrl: string): Finding {
  const subject = 'Defender';
  switch (reply.kind) {
    case 'machine':
    case 'not_found':
      return ok(subject, `${apiUrl} answers, and lets this identity ask`);
    case 'rejected':
      return ok(subject, `${apiUrl} answers; it refused the invented alert ID with ${reply.code}`);
    case 'throttled':
      return problem(
        subject,
        reply.detail,
        'Somebody else uses the quota: lower DEFENDER_QUOTA_SHARE, or wait.',
      );
    case 'unauthorized':
      return problem(
        subject,
        reply.detail,
        'Check DEFENDER_TOKEN_SCOPE, and that the tenant has a licence for Defender for Endpoint.',
      );
    case 'forbidden':
      return problem(subject, reply.detail, 'See the lines about token and role.');
    case 'retired':
      return problem(
        subject,
        reply.detail,
        'The API is gone (Microsoft has announced its end for 2027-02-01), or DEFENDER_API_URL leads elsewhere.',
      );
    case 'unavailable':
    case 'unusable':
    case 'interrupted':
      return problem(
        subject,
        reply.detail,
        'Check DEFENDER_API_URL, DEFENDER_CLOUD and DEFENDER_GEO, and the network from here.',
      );
  }
}
