import { afterEach, describe, expect, test, vi } from 'vitest';
import { createGetEnrichment } from '#functions/handlers/getEnrichment.ts';
import { createGetHealth } from '#functions/handlers/getHealth.ts';
import { getLiveness } from '#functions/handlers/getLiveness.ts';
import { createGetQuota } from '#functions/handlers/getQuota.ts';
import { createSubmitEnrichments } from '#functions/handlers/submitEnrichments.ts';
import {
  alertEnrichmentSchema,
  healthAnswerSchema,
  orderAnswerSchema,
  pendingAlertSchema,
  problemSchema,
  quotaAnswerSchema,
} from '#shared/http/contract.ts';
import { createAlertLookup } from '#shared/lookup/alertLookup.ts';
import { createSubmit } from '#shared/pipeline/submitAll.ts';
import { createSubmitUrgent, MOST_URGENT, type SubmitUrgent } from '#shared/pipeline/submitUrgent.ts';
import type { QuotaReport } from '#shared/quota/quotaReport.ts';
import type { SourceAnswer } from '#shared/sources/source.ts';
import { createHomeRouter } from '#shared/tenants/tenantRouter.ts';
import { invoke } from '../shared/http/invocation.ts';
import { laterBy, seenAt, submissionOf } from '../shared/pipeline/submissions.ts';
import { createWorld, type Step, type WorldOptions } from '../shared/pipeline/world.ts';
import { waitUntil } from '../support/waitUntil.ts';

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

const quota: QuotaReport = {
  windows: [{ limit: { calls: 100, windowMs: 60_000 }, permitted: 100, used: 99, remaining: 1 }],
  rate: 1,
  pausedUntil: null,
  circuit: null,
  queued: 50,
  drainedBy: laterBy(25_000),
};

/**
 * The HTTP functions over a pipeline in memory, whose queue is read when the test lets it.
 * @param options.isSlow Leaves urgent alerts to the readers of the queue.
 */
function createApp(
  options: WorldOptions & { isSlow?: boolean } = {},
  report: () => Promise<QuotaReport> = async () => quota,
) {
  const steps: Step[] = [];
  const world = createWorld({
    ...options,
    around: (step, moment) => {
      if (moment === 'before') {
        steps.push(step);
      }
      return options.around?.(step, moment);
    },
  });
  const { records, rules, now } = world.deps;
  const scope = {
    tenant: undefined,
    submit: createSubmit(world.deps),
    submitUrgent: options.isSlow
      ? async (...[submissions, { isOver }]: Parameters<SubmitUrgent>) => ({
          ...(await createSubmit(world.deps)(submissions, isOver)),
          runs: new Map(),
        })
      : createSubmitUrgent(world.deps, String),
    lookup: createAlertLookup({ records, rules, now, reportQuota: report }),
    recentQuota: report,
  };
  const application = {
    now,
    tenants: createHomeRouter(scope, async () => undefined),
    recentTenants: undefined,
    provisionStorage: async () => [],
  };
  const submit = createSubmitEnrichments(application, 'key');
  const find = createGetEnrichment(application, 'key');
  return {
    ...world,
    count: (step: Step) => steps.filter((one) => one === step).length,
    order: (body: unknown, query = '', headers = {}) =>
      invoke(submit, `enrichments${query}`, { method: 'POST', body, headers }),
    lookUp: (alertId: string, query = '', headers = {}) =>
      invoke(find, `enrichments/${alertId}${query}`, { params: { alertId }, headers }),
    quota: () => invoke(createGetQuota(application, 'key'), 'quota'),
  };
}

test('200 callers who wait for 50 alerts share one reader an alert and one call an alert', async () => {
  const app = createApp({ isSlow: true });
  const alertIds = Array.from({ length: 50 }, (_, index) => `alert-${index}`);
  const callers = Array.from({ length: 200 }, (_, index) => alertIds[index % 50] ?? '');
  const answers = callers.map((alertId) => app.order({ alertId }, '?wait=10'));
  await waitUntil('all are submitted', () => app.waiting().length === 200);
  const lookUps = callers.map((alertId) => app.lookUp(alertId, '?wait=10'));
  // Whoever waits reads an alert once, and all who come while it is watched read nothing.
  await waitUntil('all wait', () => app.count('read') >= 50);
  await new Promise((resolve) => setTimeout(resolve, 0));
  expect(app.count('read')).toBe(50);
  await app.drain();
  const readByPipeline = app.count('read');
  const statuses = [...(await Promise.all(answers)), ...(await Promise.all(lookUps))].map(
    ({ status }) => status,
  );
  expect(new Set(statuses)).toEqual(new Set([200]));
  expect(app.calls).toHaveLength(50);
  expect(app.count('read') - readByPipeline).toBeLessThanOrEqual(50);
  expect(app.published).toHaveLength(200);
});

test('an alert that is pending says where to ask again, as clients want it that poll by themselves', async () => {
  const app = createApp();
  await app.order(['alert-1']);
  const { status, headers } = await app.lookUp('alert-1');
  expect([status, headers.location]).toEqual([202, '/api/enrichments/alert-1']);
});

test('an alert that the source does not know yet is pending with that reason', async () => {
  const app = createApp({ find: () => ({ kind: 'not_found', detail: 'Defender answered 404' }) });
  await app.order(['alert-1']);
  for (const submission of app.waiting()) {
    await app.deliver(submission);
  }
  expect(pendingAlertSchema.parse((await app.lookUp('alert-1')).json())).toMatchObject({
    deferral: { reason: 'not_found', detail: 'Defender answered 404' },
  });
});

test('a final enrichment may be kept by its reader alone, who asks whether it changed, and differs by what is accepted', async () => {
  const app = createApp();
  const answer = await app.order({ alertId: 'alert-1' });
  expect(answer.status).toBe(202);
  await app.drain();
  const { status, headers } = await app.lookUp('alert-1');
  expect([status, headers['cache-control'], headers.vary]).toEqual([200, 'private, no-cache', 'Accept']);
});

test('what does not become final in time is pending, with the time it is expected', async () => {
  const app = createApp();
  const answer = await app.order(['alert-1', 'alert-2'], '?wait=0');
  expect([answer.status, answer.headers['retry-after'], answer.headers.location]).toEqual([
    202,
    '25',
    undefined,
  ]);
  expect(orderAnswerSchema.parse(answer.json())).toMatchObject({
    submissions: [{ status: 'pending' }, { status: 'pending' }],
    retryAfterSeconds: 25,
    expectedAt: laterBy(25_000).toISOString(),
  });
  expect(answer.events).toMatchObject([{ event: 'order', submissions: 2, rejections: 0, notQueued: 0 }]);
  const lookUp = await app.lookUp('alert-1');
  expect(pendingAlertSchema.parse(lookUp.json())).toMatchObject({
    alertId: 'alert-1',
    retryAfterSeconds: 25,
  });
  const card = await app.lookUp('alert-1', '', { accept: 'text/markdown' });
  expect([card.status, card.text]).toEqual([202, expect.stringContaining('being looked up')]);
});

test('when nobody can tell how the quota stands, pending is said without a time', async () => {
  const app = createApp({}, () => Promise.reject(new Error('down')));
  const answer = await app.order('alert-1');
  expect(orderAnswerSchema.parse(answer.json())).toMatchObject({ retryAfterSeconds: 5 });
  expect(answer.json()).not.toHaveProperty('expectedAt');
});

test('nobody is kept for long by a report on the quota that does not come', async () => {
  vi.useFakeTimers();
  const answer = createApp({}, () => new Promise(() => undefined)).order('alert-1');
  await vi.advanceTimersByTimeAsync(2_000);
  expect((await answer).json()).toMatchObject({ retryAfterSeconds: 5 });
});

test('a stored answer that may be too old by then is not told before it is published', async () => {
  const app = createApp({ isSlow: true });
  await app.deliver(submissionOf());
  app.passTime(14 * 60_000);
  const answer = app.order('alert-1', '?wait=10');
  await waitUntil('it is submitted', () => app.waiting().length === 1);
  app.passTime(2 * 60_000);
  await app.drain();
  const { enrichment } = orderAnswerSchema.parse((await answer).json()).submissions[0] ?? {};
  expect(enrichment).toEqual({ ...app.published.at(-1), summary: expect.anything() });
  expect(enrichment).toMatchObject({ reused: false });
});

test('an order with wait is told what its own submission is told', async () => {
  const app = createApp({ isSlow: true });
  const body = { alertId: 'alert-1', correlationId: 'INC-7', metadata: { a: [1] } };
  const answer = app.order(body, '?wait=10');
  await waitUntil('it is submitted', () => app.waiting().length === 1);
  await app.drain();
  const { submissions } = orderAnswerSchema.parse((await answer).json());
  const [published] = app.published;
  expect(submissions[0]?.enrichment).toEqual({ ...published, summary: expect.anything() });
  expect(submissions[0]?.submissionId).toBe(published?.submissionId);
});

test('a refresh waits for the new answer; a look-up meanwhile gets the old one', async () => {
  const app = createApp({ isSlow: true });
  await app.deliver(submissionOf());
  app.passTime(60_000);
  const refreshed = app.order({ alertId: 'alert-1', refresh: true }, '?wait=10');
  await waitUntil('it is submitted', () => app.waiting().length === 1);
  const old = alertEnrichmentSchema.parse((await app.lookUp('alert-1')).json());
  expect(old).toMatchObject({ submissionId: 'submission-1', source: { retrievedAt: seenAt.toISOString() } });
  await app.drain();
  expect((await refreshed).json().submissions[0].enrichment.source.retrievedAt).toBe(
    laterBy(60_000).toISOString(),
  );
});

describe('an order with wait of a few alerts', () => {
  test('is worked on at once by the process that took it, and nothing of it is left in the queue', async () => {
    const app = createApp();
    const answer = await app.order(['alert-1', 'alert-2'], '?wait=10');
    expect(answer.status).toBe(200);
    expect(app.published.map(({ alertId }) => alertId)).toEqual(['alert-1', 'alert-2']);
    expect(app.calls.every(({ urgentUntil }) => urgentUntil !== undefined)).toBe(true);
    expect([app.waiting(), app.count('submit'), app.count('announce')]).toEqual([[], 0, 0]);
    expect(answer.events.filter(({ event }) => event === 'submission')).toHaveLength(2);
  });

  test('is pending when no slot is near, and is final when its message has been read', async () => {
    const answers: SourceAnswer[] = [
      { kind: 'wait', reason: 'quota', until: laterBy(20_000), inLine: true, detail: 'the quota is used up' },
    ];
    const find = () =>
      answers.shift() ?? { kind: 'not_found' as const, isCertain: true as const, detail: 'none' };
    const app = createApp({ find });
    const answer = await app.order('alert-1', '?wait=1');
    expect([answer.status, app.waiting().length]).toEqual([202, 1]);
    await app.drain();
    expect((await app.lookUp('alert-1')).json()).toMatchObject({ outcome: 'not_found' });
  });

  test('is put into the queue like any other when it is larger, or when nobody waits', async () => {
    const app = createApp();
    const many = Array.from({ length: MOST_URGENT + 1 }, (_, index) => `alert-${index}`);
    await app.order(many, '?wait=1');
    await app.order('alert-x', '?wait=0');
    await app.order('alert-y');
    expect([app.waiting().length, app.calls]).toEqual([MOST_URGENT + 3, []]);
  });
});

test('a failed look-up is final for its own submission only', async () => {
  const app = createApp({
    find: () => ({ kind: 'rejected', code: 'BadRequest', message: 'no', target: undefined }),
  });
  await app.deliver(submissionOf());
  expect((await app.lookUp('alert-1')).json()).toMatchObject({
    outcome: 'failed',
    error: { code: 'source_rejected' },
  });
  expect((await app.order('alert-1', '?wait=0')).status).toBe(202);
});

test('when nothing can be queued the order is refused as a whole; no row says that it is pending', async () => {
  const app = createApp({
    around: (step) => {
      if (step === 'submit') {
        throw new Error('down');
      }
    },
  });
  const answer = await app.order(['alert-1', 'alert-2']);
  expect([answer.status, answer.headers['retry-after']]).toEqual([503, '30']);
  expect(problemSchema.parse(answer.json()).type).toMatch(/:not-queued$/);
  expect(answer.events).toMatchObject([{ event: 'order', notQueued: 2, detail: 'Error: down' }]);
  expect((await app.lookUp('alert-1')).status).toBe(404);
});

test('when the storage service is so slow that time is up nothing more is queued', async () => {
  const timeout = vi.spyOn(AbortSignal, 'timeout').mockReturnValue(AbortSignal.abort(new Error('late')));
  const app = createApp();
  const answer = await app.order(['alert-1', 'alert-2']);
  expect(timeout).toHaveBeenCalledWith(60_000);
  expect(problemSchema.parse(answer.json()).type).toMatch(/:not-queued$/);
  expect(answer.events).toMatchObject([{ notQueued: 2, detail: 'Error: late' }]);
  expect(app.waiting()).toEqual([]);
});

test('when an alert is queued and its row cannot be created the log says why', async () => {
  const app = createApp({
    around: (step) => {
      if (step === 'announce') {
        throw new Error('down');
      }
    },
  });
  const answer = await app.order('alert-1');
  expect(answer.status).toBe(202);
  expect(answer.events).toMatchObject([{ notQueued: 0, announceDetail: 'Error: down' }]);
});

test('when some can be queued it is said which are not, and nothing else is lost', async () => {
  let submitted = 0;
  const app = createApp({
    around: (step, moment) => {
      if (step === 'submit' && moment === 'before' && ++submitted > 20) {
        throw new Error('down');
      }
    },
  });
  const alertIds = Array.from({ length: 40 }, (_, index) => `alert-${index}`);
  const answer = await app.order(alertIds, '?wait=0');
  expect(answer.status).toBe(202);
  const { submissions } = orderAnswerSchema.parse(answer.json());
  const statuses = submissions.map(({ status }) => status);
  expect(statuses).toEqual([...Array(20).fill('pending'), ...Array(20).fill('not_queued')]);
  expect(app.waiting().map(({ alertId }) => alertId)).toEqual(alertIds.slice(0, 20));
  expect((await app.order(alertIds, '', { accept: 'text/html' })).status).toBe(503);
});

test('when the look-up fails after the alerts are queued, the order is pending and not an error', async () => {
  const app = createApp({
    around: (step) => {
      if (step === 'read') {
        throw Object.assign(new Error('down'), { name: 'RestError' });
      }
    },
  });
  expect((await app.order('alert-1', '?wait=10')).status).toBe(202);
  expect((await app.lookUp('alert-1')).status).toBe(503);
});

test('an order without a valid alert says what is wrong with each part', async () => {
  const answer = await createApp().order(['a/b', { hello: 'world' }]);
  expect(answer.status).toBe(422);
  expect(problemSchema.parse(answer.json()).rejected).toMatchObject([
    { index: 0, reason: 'bad-alert-id' },
    { index: 1, reason: 'not-an-alert' },
  ]);
});

test('an order whose answer nobody could read is not taken', async () => {
  const app = createApp();
  expect((await app.order('alert-1', '', { accept: 'image/png' })).status).toBe(406);
  expect((await app.order('alert-1', '?wait=soon')).status).toBe(400);
  expect(app.waiting()).toEqual([]);
});

test('the quota is told in full', async () => {
  const circuit = { openSince: seenAt, nextProbe: laterBy(5_000), detail: 'Grant the role.' };
  const { quota: ask } = createApp({}, async () => ({
    ...quota,
    circuit,
    drainedBy: null,
    pausedUntil: seenAt,
  }));
  const answer = await ask();
  expect(answer.headers['cache-control']).toBe('no-store');
  expect(quotaAnswerSchema.parse(answer.json())).toMatchObject({
    windows: quota.windows,
    circuit: { openSince: seenAt.toISOString(), detail: 'Grant the role.' },
    drainedBy: null,
  });
});

test('health is 200 or 503, and liveness asks nobody', async () => {
  for (const [status, code] of [
    ['healthy', 200],
    ['unhealthy', 503],
  ] as const) {
    const handler = createGetHealth(
      {
        recentHealth: async () => ({ status, ready: code === 200, checks: [] }),
        recentTenants: undefined,
        tenants: createHomeRouter({}, async () => undefined),
      },
      'key',
    );
    const answer = await invoke(handler, 'health', { headers: { accept: 'text/plain' } });
    expect(answer.status).toBe(code);
    expect(healthAnswerSchema.parse(answer.json()).status).toBe(status);
  }
  expect(await invoke(getLiveness, 'live')).toMatchObject({ status: 200, text: undefined });
});
