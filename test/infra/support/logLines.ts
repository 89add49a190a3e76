import { InvocationContext } from '@azure/functions';
import { createEnrichAlert } from '../../../functions/enrichAlert.ts';
import { emptyLedger } from '../../../shared/quota/ledger.ts';
import { quotaReport } from '../../../shared/quota/quotaReport.ts';
import type { SourceAnswer } from '../../../shared/sources/source.ts';
import { createWorld } from '../../shared/pipeline/world.ts';

const ALERT = 'da637472900382838869_1364969609';
const TIME = new Date('2026-11-02T08:00:00Z');

/** A quota with everything in it that a report can tell of. */
const report = quotaReport(
  {
    ...emptyLedger,
    calls: [TIME.getTime() - 1_000],
    pause: { until: TIME.getTime() + 60_000 },
    circuit: {
      openedAt: TIME.getTime() - 5_000,
      probeAt: TIME.getTime() + 5_000,
      failures: 1,
      detail: 'refused',
    },
  },
  {
    limits: [
      { calls: 100, windowMs: 60_000 },
      { calls: 1_500, windowMs: 3_600_000 },
    ],
    share: 1,
    inProcessWaitMs: 20_000,
    probeIntervalMs: 5_000,
  },
  3,
  TIME.getTime(),
);

const answers: SourceAnswer[] = [
  { kind: 'found', machine: { id: 'machine-1' }, retrievedAt: TIME },
  { kind: 'not_found', detail: 'no such alert' },
  { kind: 'unavailable', detail: 'no connection' },
  { kind: 'rejected', code: 'BadRequest', message: 'refused', target: undefined },
];

const bodies = [ALERT, ALERT, 'no alert', { alertIds: [`${ALERT}1`, `${ALERT}2`] }];

/** The lines that the function writes into its log, for each way that a message can go. */
export async function collectLogLines(): Promise<string[]> {
  const lines: string[] = [];
  for (const answer of answers) {
    for (const notFoundRetriesMs of [[30_000], []]) {
      const { deps } = createWorld({ find: () => answer });
      const enrichAlert = createEnrichAlert({
        pipeline: { ...deps, rules: { ...deps.rules, notFoundRetriesMs } },
        provisionStorage: async () => [],
        reportQuota: async () => report,
      });
      for (const body of bodies) await enrichAlert(body, contextFor(lines));
    }
  }
  return lines;
}

function contextFor(lines: string[]): InvocationContext {
  return new InvocationContext({
    functionName: 'enrichAlert',
    invocationId: 'invocation-1',
    triggerMetadata: { id: 'message-1' },
    logHandler: (_level, ...values) => lines.push(values.map(String).join(' ')),
  });
}
