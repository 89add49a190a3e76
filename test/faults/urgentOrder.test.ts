import { afterAll, beforeAll, describe, test } from 'vitest';
import { type Stack, startStack } from '#dev/stack/stack.ts';
import { orderAnswerSchema } from '#shared/http/contract.ts';
import { startHttpProxy } from '../support/httpProxy.ts';
import { type Pipeline, startPipeline } from '../support/pipelineHarness.ts';
import { startStorageProxy } from '../support/storageProxy.ts';
import { waitUntil } from '../support/waitUntil.ts';

const SETTINGS = { CLAIM_EXPIRY: '3s', LOCAL_HOST_LEASE_SECONDS: '2' };

let stack: Stack;
beforeAll(async () => {
  stack = await startStack({ simulator: { limits: [{ calls: 100_000, windowMs: 1_000 }] } });
});
afterAll(() => stack.stop());

function newAlerts(count: number): string[] {
  return stack.simulator.control.addNewAlerts(count).map(({ id }) => id);
}

function order({ hosts }: Pipeline, alertIds: readonly string[], seconds: number): Promise<Response> {
  return fetch(`${hosts.at(-1)?.url}/api/enrichments?wait=${seconds}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ alertIds }),
  });
}

test.concurrent('an order with wait is answered while hundreds of alerts stand in line', async ({
  expect,
}) => {
  // A minute for all, so that there is a line; a wait in the process that is longer than a turn's lead, as in production.
  const pipeline = await startPipeline(stack, {
    DEFENDER_RATE_LIMITS: '20/4s',
    IN_PROCESS_WAIT: '6s',
    CLAIM_EXPIRY: '20s',
  });
  await pipeline.submit(...newAlerts(300));
  await waitUntil('there is a line', async () => (await pipeline.delivered()).length > 40);
  const ordered = newAlerts(2);
  const response = await order(pipeline, ordered, 60);
  const { submissions } = orderAnswerSchema.parse(await response.json());
  expect(submissions.map(({ alertId, status }) => [alertId, status])).toEqual(
    ordered.map((alertId) => [alertId, 'final']),
  );
  expect(await pipeline.waiting()).toBeGreaterThan(50);
});

describe('a host that dies with an alert of an order', () => {
  test.concurrent.for([
    {
      what: 'after the call',
      moment: 'after' as const,
      service: 'api' as const,
      request: /^GET \/api\/alerts\//,
      calls: 2,
    },
    {
      what: 'before its message is removed',
      moment: 'before' as const,
      service: 'queues' as const,
      request: /^DELETE \/\w+\/alerts-\d+\/messages\//,
      calls: 1,
    },
  ])(
    'right $what leaves its message to the next one',
    async ({ moment, service, request, calls }, { expect }) => {
      const queues = await startStorageProxy(stack.azurite.connectionString, 'Queue');
      const api = await startHttpProxy(new URL(stack.simulator.apiUrl).host);
      const pipeline = await startPipeline(stack, {
        ...SETTINGS,
        AlertsStorage: queues.connectionString,
        DEFENDER_API_URL: `http://${api.host}`,
      });
      let isDead = false;
      const death = { queues, api }[service].endCaller(
        moment,
        (method, path) => request.test(`${method} ${path}`),
        async () => pipeline.hosts.at(-1)?.kill(),
      );
      void death.then(() => {
        isDead = true;
      });
      const [alertId = ''] = newAlerts(1);
      const answer = order(pipeline, [alertId], 15).catch(() => undefined);
      await waitUntil('the host dies', () => isDead);
      expect(await answer).toBeUndefined();

      await pipeline.startHost();
      await pipeline.idle();
      const enrichments = (await pipeline.delivered()).map(({ enrichment }) => enrichment);
      expect(enrichments).toMatchObject([{ alertId, outcome: 'enriched' }]);
      expect(stack.simulator.control.report().alerts[alertId]).toBe(calls);
      expect((await pipeline.rows()).map((row) => row.claimedBy)).toEqual(['']);
      await Promise.all([queues.stop(), api.stop()]);
    },
  );
});
