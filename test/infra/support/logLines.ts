import { HttpRequest, InvocationContext, type Timer } from '@azure/functions';
import { createEnrichAlert } from '#functions/handlers/enrichAlert.ts';
import { createPollAlerts } from '#functions/handlers/pollAlerts.ts';
import { createSubmitEnrichments } from '#functions/handlers/submitEnrichments.ts';
import { createAlertLookup } from '#shared/lookup/alertLookup.ts';
import { createSubmit } from '#shared/pipeline/submitAll.ts';
import { createSubmitUrgent } from '#shared/pipeline/submitUrgent.ts';
import { createPoller, type PollEvent } from '#shared/polling/poller.ts';
import { pollTenants } from '#shared/polling/pollTenants.ts';
import { EMPTY_LEDGER } from '#shared/quota/ledger.ts';
import { quotaReport } from '#shared/quota/quotaReport.ts';
import type { ListingEnd, SourceAnswer } from '#shared/sources/source.ts';
import { eventLog } from '#shared/telemetry/log.ts';
import { createHomeRouter } from '#shared/tenants/tenantRouter.ts';
import { createWorld } from '#test/shared/pipeline/world.ts';

const ALERT = 'da637472900382838869_1364969609';
const TENANT = '11111111-1111-4111-8111-111111111111';
const TIME = new Date('2026-11-02T08:00:00Z');

/** A quota with everything in it that a report can tell of. */
const report = quotaReport(
  {
    ...EMPTY_LEDGER,
    calls: [TIME.getTime() - 1_000],
    pause: { until: TIME.getTime() + 60_000, at: TIME.getTime() },
    circuit: {
      openedAt: TIME.getTime() - 5_000,
      refusedAt: TIME.getTime() - 5_000,
      probeAt: TIME.getTime() + 5_000,
      failures: 1,
      cause: 'forbidden',
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
  { kind: 'found', source: 'defender', machine: { id: 'machine-1' }, retrievedAt: TIME, unavailable: [] },
  { kind: 'not_found', detail: 'no such alert' },
  { kind: 'unavailable', detail: 'no connection' },
  { kind: 'rejected', code: 'BadRequest', message: 'refused', target: undefined },
];

const bodies = [ALERT, ALERT, 'no alert', { alertIds: [`${ALERT}1`, `${ALERT}2`] }];

/** The lines that the functions write into the log, for each way that a message, a pass or an order can go. */
export async function collectLogLines(): Promise<string[]> {
  return [...(await linesOfMessages()), ...(await linesOfPasses()), ...(await linesOfOrders())];
}

async function linesOfMessages(): Promise<string[]> {
  const lines: string[] = [];
  for (const answer of answers) {
    for (const notFoundRetriesMs of [[30_000], []]) {
      const { deps } = createWorld({ find: () => answer });
      const pipeline = { ...deps, rules: { ...deps.rules, notFoundRetriesMs } };
      const home = { tenant: undefined, pipeline, reportQuota: async () => report };
      const customer = { id: TENANT, name: undefined, enabled: true, callers: [], overrides: {} };
      for (const tenant of [undefined, customer]) {
        const scope = { ...home, tenant };
        const enrichAlert = createEnrichAlert({
          receiver: { home, route: async () => ({ kind: 'served', scope }) },
          provisionStorage: async () => [],
          takeSourceEvents: () => [{ event: 'source', from: 'defender', to: 'graph', detail: 'gone' }],
        });
        for (const body of bodies) {
          await enrichAlert(body, contextFor(lines));
        }
      }
    }
  }
  return lines;
}

const ends: Record<ListingEnd['kind'], ListingEnd> = {
  complete: { kind: 'complete' },
  moved: { kind: 'moved', detail: 'the list changed' },
  deadline: { kind: 'deadline', detail: 'the time is up' },
  throttled: { kind: 'throttled', detail: 'no slot' },
  denied: { kind: 'denied', detail: 'no token' },
  forbidden: { kind: 'forbidden', detail: 'no role' },
  not_found: { kind: 'not_found', detail: 'no such address' },
  unavailable: { kind: 'unavailable', detail: 'no connection' },
  rejected: { kind: 'rejected', detail: 'refused' },
};
const timer: Timer = {
  isPastDue: false,
  schedule: { adjustForDST: false },
  scheduleStatus: { last: '', next: '', lastUpdated: '' },
};

async function linesOfPasses(): Promise<string[]> {
  const lines: string[] = [];
  for (const end of Object.values(ends)) {
    const poller = createPoller({
      feed: { listUpdatedSince: async () => ({ end, calls: 1 }) },
      watermarks: {
        read: async () => ({ watermark: undefined, damage: 'no time', etag: '1' }),
        write: async () => '2',
      },
      hasRecord: async () => false,
      submit: createSubmit(createWorld().deps),
      filter: { severities: [], statuses: [], detectionSources: [] },
      now: () => TIME,
    });
    await createPollAlerts({ poller, provisionStorage: async () => [] })(timer, contextFor(lines));
    const failing = { poll: () => Promise.reject(new Error('down')) };
    const customers = [poller, failing].map((one) => ({ tenantId: TENANT, poller: one }));
    await pollTenants(customers, 1_000, eventLog<PollEvent>(contextFor(lines)), String);
  }
  return lines;
}

async function linesOfOrders(): Promise<string[]> {
  const lines: string[] = [];
  const storageFaults = [undefined, new Error('down')];
  for (const error of storageFaults) {
    const { deps } = createWorld();
    const submitEnrichments = createSubmitEnrichments(
      {
        tenants: createHomeRouter(
          {
            tenant: undefined,
            submit: createSubmit(deps),
            submitUrgent: createSubmitUrgent(deps, String),
            lookup: createAlertLookup({ ...deps, reportQuota: async () => report }),
          },
          async () => undefined,
        ),
        provisionStorage: async () => {
          if (error !== undefined) {
            throw error;
          }
          return [];
        },
        now: () => TIME,
      },
      'key',
    );
    const request = new HttpRequest({
      method: 'POST',
      url: 'http://localhost/api/enrichments',
      headers: { 'content-type': 'application/json' },
      body: { string: JSON.stringify({ alertId: ALERT }) },
    });
    await submitEnrichments(request, contextFor(lines));
  }
  return lines;
}

function contextFor(lines: string[]): InvocationContext {
  return new InvocationContext({
    functionName: 'tested',
    invocationId: 'invocation-1',
    triggerMetadata: { id: 'message-1' },
    logHandler: (_level, ...values) => lines.push(values.map(String).join(' ')),
  });
}
