import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { FaultScript } from '#dev/simulator/faults.ts';
import { type Stack, startStack } from '#dev/stack/stack.ts';
import { type HttpProxy, type RequestMatch, startHttpProxy } from '../support/httpProxy.ts';
import { type Pipeline, startPipeline } from '../support/pipelineHarness.ts';
import { secretsOf } from '../support/secrets.ts';
import { startStorageProxy } from '../support/storageProxy.ts';
import { waitUntil } from '../support/waitUntil.ts';

/** What has come out in the end. */
interface Ledger {
  calls: number;
  messages: number;
  deadLetters: number;
}

/** One request that the host makes on the way of a submission. The host dies right before and right after it. */
interface Step {
  what: string;
  /** Which of the services sees the request. */
  service: 'tables' | 'queues' | 'api';
  /** What its method and path look like. */
  request: RegExp;
  /** Where the ledger differs from that of an undisturbed submission. */
  before?: Partial<Ledger>;
  after?: Partial<Ledger>;
}

/** A way to a final outcome: what the API answers, and what comes out if nothing happens. */
interface Way {
  what: string;
  answers?: FaultScript['answers'];
  /** The source that is asked; Defender when left out. */
  source?: 'graph';
  outcome: 'enriched' | 'failed';
  undisturbed: Ledger;
  steps: Step[];
}

const twoCalls = { calls: 2 };
const twoMessages = { messages: 2 };
const twoLetters = { deadLetters: 2 };

const claim: Step = {
  what: 'the claim',
  service: 'tables',
  request: /^POST \/\w+\/AlertEnrichments\d+(\?|$)/,
};
const merge: RegExp = /^PATCH \/\w+\/AlertEnrichments\d+\(/;
const publish: RegExp = /^POST \/\w+\/enrichments-\d+\/messages/;
const submit: RegExp = /^POST \/\w+\/alerts-\d+\/messages/;
const bury: RegExp = /^POST \/\w+\/alerts-\d+-poison\/messages/;
const settle: RegExp = /^DELETE \/\w+\/alerts-\d+\/messages\//;

const ways: Way[] = [
  {
    what: 'an alert that is found',
    outcome: 'enriched',
    undisturbed: { calls: 1, messages: 1, deadLetters: 0 },
    steps: [
      claim,
      {
        what: 'the reservation of a call',
        service: 'tables',
        request: /^(POST|PUT) \/\w+\/EnrichmentState\d+/,
      },
      { what: 'the call', service: 'api', request: /^GET \/api\/alerts\//, after: twoCalls },
      // The answer is received but not stored.
      { what: 'the row', service: 'tables', request: /^PUT \/\w+\/AlertEnrichments\d+\(/, before: twoCalls },
      // From here on, the one place where something can happen twice.
      { what: 'the message', service: 'queues', request: publish, after: twoMessages },
      { what: 'the mark on the row', service: 'tables', request: merge, before: twoMessages },
      { what: 'the deletion of the input message', service: 'queues', request: settle },
    ],
  },
  {
    what: 'an alert that is put back once',
    answers: ['not-found'],
    outcome: 'enriched',
    undisturbed: { calls: 2, messages: 1, deadLetters: 0 },
    steps: [
      { what: 'the longer claim', service: 'tables', request: merge },
      { what: 'the copy in the queue', service: 'queues', request: submit },
      { what: 'the deletion of the original', service: 'queues', request: settle },
    ],
  },
  {
    what: 'an alert that fails',
    answers: ['bad-request', 'bad-request'],
    outcome: 'failed',
    undisturbed: { calls: 1, messages: 1, deadLetters: 1 },
    steps: [
      { what: 'the row', service: 'tables', request: merge, before: twoCalls },
      { what: 'the dead letter', service: 'queues', request: bury, after: twoLetters },
      {
        what: 'the message',
        service: 'queues',
        request: publish,
        before: twoLetters,
        after: { ...twoLetters, ...twoMessages },
      },
    ],
  },
];

/** The same where Microsoft Graph is asked: two calls an alert, of which the one for the alert is counted here. */
ways.push({
  what: 'an alert that Graph is asked about',
  source: 'graph',
  outcome: 'enriched',
  undisturbed: { calls: 1, messages: 1, deadLetters: 0 },
  steps: [
    {
      what: 'the call for the alert',
      service: 'api',
      request: /^GET \/v1\.0\/security\/alerts_v2\//,
      after: twoCalls,
    },
    {
      what: 'the query for the device',
      service: 'api',
      request: /^POST \/v1\.0\/security\/runHuntingQuery/,
      before: twoCalls,
      after: twoCalls,
    },
    {
      what: 'the part that is kept of the device',
      service: 'tables',
      request: /^PUT \/\w+\/EnrichmentState\d+\(PartitionKey='graph-device'/,
      before: twoCalls,
      after: twoCalls,
    },
  ],
});

/** A host with proxies of its own before all that it speaks to. Each lane runs one case after another. */
interface Lane {
  source: Way['source'];
  pipeline: Pipeline;
  services: Record<Step['service'], HttpProxy>;
}

let stack: Stack;
const lanes: Lane[] = [];
const idleLanes: Lane[] = [];

beforeAll(async () => {
  const plenty = [{ calls: 10_000, windowMs: 1_000 }];
  stack = await startStack({ simulator: { limits: plenty, graphLimits: plenty, huntingLimits: plenty } });
});
afterAll(async () => {
  await stack.stop();
  await Promise.all(lanes.flatMap(({ services }) => Object.values(services).map((proxy) => proxy.stop())));
});

async function openLane(source: Way['source']): Promise<Lane> {
  const queues = await startStorageProxy(stack.azurite.connectionString, 'Queue');
  const tables = await startStorageProxy(queues.connectionString, 'Table');
  const api = await startHttpProxy(new URL(stack.simulator.apiUrl).host);
  const pipeline = await startPipeline(stack, {
    AlertsStorage: tables.connectionString,
    DEFENDER_API_URL: `http://${api.host}`,
    GRAPH_API_URL: `http://${api.host}`,
    ENRICHMENT_SOURCE: source ?? 'defender',
    BULK_LOOKUPS: 'auto',
    LOCAL_HOST_LEASE_SECONDS: '2',
    // Outlasts any run, as in production, also on a slow machine.
    CLAIM_EXPIRY: '60s',
    // As long as the lease: the original comes again together with the copy that was put back.
    NOT_FOUND_RETRIES: '2s',
  });
  const lane = { source, pipeline, services: { queues, tables, api } };
  lanes.push(lane);
  return lane;
}

function scriptedAlert(answers: FaultScript['answers'] = ['ok']): string {
  const [alert] = stack.simulator.control.addNewAlerts(1);
  const alertId = alert?.id ?? '';
  stack.simulator.control.scriptFaults({ alertId, answers: [...answers] });
  return alertId;
}

/** One that is free, or a new one. */
async function takeLane(source: Way['source']): Promise<Lane> {
  const free = idleLanes.findIndex((lane) => lane.source === source);
  return idleLanes.splice(free, free < 0 ? 0 : 1)[0] ?? openLane(source);
}

describe.each(ways)('a host that dies with $what', ({ answers, source, outcome, undisturbed, steps }) => {
  const moments = steps.flatMap((step) => [
    { moment: 'before' as const, step, what: step.what },
    { moment: 'after' as const, step, what: step.what },
  ]);

  test.concurrent.for(moments)(
    'right $moment $what leaves it to the next one, which ends it',
    async ({ moment, step }, { expect }) => {
      const lane = await takeLane(source);
      const { pipeline } = lane;
      const alertId = scriptedAlert(answers);
      let isDead = false;
      const isAt: RequestMatch = (method, path) => step.request.test(`${method} ${path}`);
      const death = lane.services[step.service].endCaller(moment, isAt, async () =>
        pipeline.hosts.at(-1)?.kill(),
      );
      void death.then(() => {
        isDead = true;
      });
      await pipeline.submit(alertId);
      await waitUntil(`the host dies ${moment} ${step.what}`, () => isDead);

      await pipeline.startHost();
      await pipeline.idle();
      const enrichments = (await pipeline.delivered()).filter(
        ({ enrichment }) => enrichment.alertId === alertId,
      );
      const letters = (await pipeline.deadLetters()).filter(({ original }) => original === alertId);
      const calls = stack.simulator.control.report().alerts[alertId];
      expect({ calls, messages: enrichments.length, deadLetters: letters.length }).toEqual({
        ...undisturbed,
        ...step[moment],
      });
      expect(new Set(enrichments.map(({ enrichment }) => enrichment.submissionId)).size).toBe(1);
      expect(new Set(enrichments.map(({ enrichment }) => enrichment.outcome))).toEqual(new Set([outcome]));
      const rows = (await pipeline.rows()).filter(({ partitionKey }) => partitionKey === alertId);
      expect(rows.map((row) => [row.outcome, row.claimedBy ?? ''])).toEqual([[outcome, '']]);
      expect(await pipeline.poisoned()).toEqual([]);
      idleLanes.push(lane);
    },
  );
});

test('no token and no key is in any log, row or message of all these deaths', async () => {
  const texts = await Promise.all(lanes.map(({ pipeline }) => pipeline.everything()));
  const text = texts.join('\n');
  expect(secretsOf(stack).filter((secret) => text.includes(secret))).toEqual([]);
});
