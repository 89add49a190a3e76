import { describe, expect, test } from 'vitest';
import { type Bulkhead, createBulkhead } from '#shared/pipeline/bulkhead.ts';
import type { MessageEvent, TenantPipeline } from '#shared/pipeline/receiveMessage.ts';
import { receiveMessage } from '#shared/pipeline/receiveMessage.ts';
import type { TenantDirectory } from '#shared/tenants/tenantDirectory.ts';
import { createTenantRouter } from '#shared/tenants/tenantRouter.ts';
import { CONTOSO, directoryOf, FABRIKAM, HOME as HOME_TENANT, rowOf } from '../tenants/tenants.ts';
import { seenAt } from './submissions.ts';
import { createWorld, StorageFault, type WorldOptions } from './world.ts';

const delivery = { id: '3a2f0c52-0000-4000-8000-000000000001' };

async function received(body: unknown, options: WorldOptions = {}) {
  const world = createWorld(options);
  const log: MessageEvent[] = [];
  await receiveMessage(
    { body, delivery },
    world.receiver,
    (event) => log.push(event),
    new AbortController().signal,
  );
  return { ...world, log };
}

test('a message with one alert is enriched at once and logged in one line', async () => {
  const { published, log } = await received('{"alertId":"alert-1","correlationId":"ours"}');
  expect(published).toMatchObject([{ alertId: 'alert-1', submissionId: delivery.id, outcome: 'enriched' }]);
  expect(log).toEqual([
    {
      event: 'submission',
      alertId: 'alert-1',
      submissionId: delivery.id,
      correlationId: 'ours',
      result: 'enriched',
      attempts: 1,
      deferrals: 0,
      durationMs: 0,
      ageMs: 0,
      reused: false,
      deviceId: 'machine-1',
      detail: undefined,
    },
  ]);
});

test('a message with several alerts becomes a submission for each, and the bad ones are buried', async () => {
  const alertIds = [...Array.from({ length: 40 }, (_, number) => `alert-${number}`), '../machines'];
  const { waiting, calls, buried, log } = await received(JSON.stringify({ alertIds }));
  expect(waiting().map(({ alertId }) => alertId)).toEqual(alertIds.slice(0, 40));
  expect(new Set(waiting().map(({ submissionId }) => submissionId)).size).toBe(40);
  expect(calls).toEqual([]);
  expect(buried).toMatchObject([
    { reason: 'bad-alert-id', attempts: 0, firstSeen: seenAt.toISOString(), deadAt: seenAt.toISOString() },
  ]);
  expect(log.map(({ event }) => event)).toEqual(['rejected', 'split']);
});

test('a redelivered list makes the same submissions again, not others', async () => {
  const body = '["alert-1","alert-2"]';
  const [first, second] = [await received(body), await received(body)];
  expect(second.waiting()).toEqual(first.waiting());
});

test('the one good alert of a list is enriched at once', async () => {
  const { published, buried, waiting } = await received('["alert-1", "no alert"]');
  expect(published).toMatchObject([{ alertId: 'alert-1' }]);
  expect(buried).toHaveLength(1);
  expect(waiting()).toEqual([]);
});

test('what is no alert is buried with its reason and its text, and costs no call', async () => {
  const { buried, calls, published, log } = await received('{"hello":"world"}');
  expect(buried).toMatchObject([{ reason: 'not-an-alert', original: '{"hello":"world"}' }]);
  expect([calls, published]).toEqual([[], []]);
  expect(log).toEqual([
    { event: 'rejected', reason: 'not-an-alert', detail: expect.any(String), alertId: undefined },
  ]);
});

test('a deferral is logged with its reason and delay', async () => {
  const { log } = await received('alert-1', { find: () => ({ kind: 'unavailable', detail: '503' }) });
  expect(log).toMatchObject([
    { result: 'deferred', reason: 'unavailable', delayMs: 2_500, attempts: 1, detail: '503' },
  ]);
});

test('a failure of storage reaches the host, so that the message comes again', async () => {
  const around = () => {
    throw new Error('503 from storage');
  };
  await expect(received('alert-1', { around })).rejects.toThrow('503 from storage');
  await expect(received('["a", "b"]', { around })).rejects.toThrow('503 from storage');
  await expect(received('no alert', { around })).rejects.toThrow('503 from storage');
});

const HOME = '11111111-1111-4111-8111-111111111111';
const OTHER = '22222222-2222-4222-8222-222222222222';

test('an alert of another tenant is a dead letter without a call, with its submission for a replay', async () => {
  const body = JSON.stringify({ alertId: 'alert-1', tenantId: OTHER, correlationId: 'ours' });
  const { buried, calls, published, log } = await received(body, { homeTenant: HOME });
  expect(calls).toEqual([]);
  expect(published).toEqual([]);
  expect(buried).toMatchObject([
    {
      reason: 'other-tenant',
      detail: expect.stringContaining(OTHER),
      original: 'alert-1',
      submission: { alertId: 'alert-1', tenantId: OTHER, correlationId: 'ours' },
    },
  ]);
  expect(log).toMatchObject([{ event: 'rejected', reason: 'other-tenant', alertId: 'alert-1' }]);
});

test.each([
  ['the own tenant, in other letters', { tenantId: HOME.toUpperCase() }, HOME],
  ['no tenant', {}, HOME],
  ['a tenant by name', { tenantId: 'contoso.onmicrosoft.com' }, HOME],
  ['a tenant, where nobody knows the own one', { tenantId: OTHER }, undefined],
])('an alert that names %s is looked up', async (_, fields, homeTenant) => {
  const options = homeTenant === undefined ? {} : { homeTenant };
  const { calls } = await received(JSON.stringify({ alertId: 'alert-1', ...fields }), options);
  expect(calls).toHaveLength(1);
});

describe('with several tenants', () => {
  const body = (tenantId?: string) => JSON.stringify({ alertId: 'alert-1', tenantId });

  /** Worlds of the home tenant and of Contoso, whose queues are one in production. */
  async function receivedFor(
    message: unknown,
    directory: Partial<TenantDirectory> = {},
    bulkhead?: Bulkhead,
  ) {
    const home = createWorld();
    const contoso = createWorld();
    const log: MessageEvent[] = [];
    const router = createTenantRouter<TenantPipeline>({
      home: { tenant: undefined, pipeline: home.deps },
      homeTenant: async () => HOME_TENANT,
      directory: { ...directoryOf([rowOf(CONTOSO)]), ...directory },
      open: (tenant) => ({ tenant, pipeline: contoso.deps }),
    });
    const deps = { home: { tenant: undefined, pipeline: home.deps }, route: router.route, bulkhead };
    await receiveMessage(
      { body: message, delivery },
      deps,
      (event) => log.push(event),
      new AbortController().signal,
    );
    return { home, contoso, log };
  }

  test.each([undefined, HOME_TENANT, HOME_TENANT.toUpperCase()])(
    'an alert that names %s is the home tenant’s',
    async (tenantId) => {
      const { home, contoso, log } = await receivedFor(body(tenantId));
      expect(home.published).toMatchObject([{ outcome: 'enriched', ...(tenantId && { tenantId }) }]);
      expect('tenantId' in (home.published[0] ?? {})).toBe(tenantId !== undefined);
      expect(contoso.calls).toEqual([]);
      expect(log[0]).not.toHaveProperty('tenantId');
    },
  );

  test("a customer's alert takes that customer's way, and says so in enrichment and log", async () => {
    const { home, contoso, log } = await receivedFor(body(CONTOSO));
    expect(contoso.published).toMatchObject([{ outcome: 'enriched', tenantId: CONTOSO }]);
    expect([home.calls, home.published]).toEqual([[], []]);
    expect(log).toMatchObject([{ event: 'submission', result: 'enriched', tenantId: CONTOSO }]);
  });

  test.each([FABRIKAM, 'contoso.com'])(
    'an alert of %s, which is not served, is a dead letter that can be replayed',
    async (tenantId) => {
      const { home, contoso, log } = await receivedFor(body(tenantId));
      expect(home.buried).toMatchObject([
        { reason: 'unknown-tenant', submission: { alertId: 'alert-1', tenantId } },
      ]);
      expect([home.calls, contoso.calls]).toEqual([[], []]);
      expect(log).toMatchObject([{ event: 'rejected', reason: 'unknown-tenant', tenantId }]);
    },
  );

  test('while the tenants cannot be read the alert waits as for any storage, and is no dead letter', async () => {
    const rows = () => Promise.reject(new StorageFault('the table is down'));
    const { home, log } = await receivedFor(body(CONTOSO), { rows });
    expect(home.buried).toEqual([]);
    expect(home.waiting()).toMatchObject([
      { alertId: 'alert-1', tenantId: CONTOSO, attempts: 0, deferrals: 1 },
    ]);
    expect(log).toMatchObject([{ result: 'deferred', reason: 'storage', detail: 'the table is down' }]);
    // Those of the home tenant need no row.
    expect((await receivedFor(body(), { rows })).home.published).toHaveLength(1);
  });

  test('who finds no place is put back for a few seconds, without an attempt counted or a call made', async () => {
    const full: Bulkhead = { enter: () => undefined };
    const { contoso, log } = await receivedFor(body(CONTOSO), {}, full);
    expect(contoso.calls).toEqual([]);
    expect(contoso.rows.size).toBe(0);
    expect(contoso.waiting()).toMatchObject([{ attempts: 0, deferrals: 1, tenantId: CONTOSO }]);
    expect(log).toMatchObject([{ result: 'deferred', reason: 'crowded', delayMs: 3_750, tenantId: CONTOSO }]);
  });

  test('a place is given back when the look-up ends, however it ends', async () => {
    const bulkhead = createBulkhead(2);
    const { contoso } = await receivedFor(body(CONTOSO), {}, bulkhead);
    expect(contoso.published).toHaveLength(1);
    expect(bulkhead.enter(CONTOSO)).toBeDefined();
  });
});

test('the trace that a message brings goes through a deferral to what comes out', async () => {
  const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
  const body = { alertId: 'alert-1', traceparent };
  const { published } = await received(body);
  expect(published).toMatchObject([{ traceparent }]);
  const deferred = await received(body, {
    find: () => ({ kind: 'wait', reason: 'throttled', until: seenAt, inLine: false, detail: 'x' }),
  });
  expect(deferred.waiting()).toMatchObject([{ traceparent }]);
});
