import { RestError } from '@azure/data-tables';
import type { HttpHandler } from '@azure/functions';
import { describe, expect, test } from 'vitest';
import { createGetEnrichment } from '#functions/handlers/getEnrichment.ts';
import { createGetHealth } from '#functions/handlers/getHealth.ts';
import { createGetQuota } from '#functions/handlers/getQuota.ts';
import { createSubmitEnrichments } from '#functions/handlers/submitEnrichments.ts';
import { readTenantStates, tenantsHealth } from '#shared/health/tenantStates.ts';
import {
  alertEnrichmentSchema,
  healthAnswerSchema,
  orderAnswerSchema,
  problemSchema,
  quotaAnswerSchema,
} from '#shared/http/contract.ts';
import { createAlertLookup } from '#shared/lookup/alertLookup.ts';
import { createSubmit } from '#shared/pipeline/submitAll.ts';
import { createSubmitUrgent } from '#shared/pipeline/submitUrgent.ts';
import type { QuotaReport } from '#shared/quota/quotaReport.ts';
import { createTenantRouter } from '#shared/tenants/tenantRouter.ts';
import type { Tenant, TenantRow } from '#shared/tenants/tenantRow.ts';
import { invoke } from '../shared/http/invocation.ts';
import { submissionOf } from '../shared/pipeline/submissions.ts';
import { createWorld } from '../shared/pipeline/world.ts';
import { brokenRowOf, CONTOSO, directoryOf, FABRIKAM, HOME, rowOf } from '../shared/tenants/tenants.ts';

const NOWHERE = 'cccccccc-1111-4222-8333-444444444444';
const CALLER = 'dddddddd-1111-4222-8333-444444444444';
const ALERT = 'alert-1';

const quota: QuotaReport = {
  windows: [{ limit: { calls: 100, windowMs: 60_000 }, permitted: 100, used: 99, remaining: 1 }],
  rate: 1,
  pausedUntil: null,
  circuit: null,
  queued: 0,
  drainedBy: new Date(0),
};
const refusal = { openSince: new Date(0), nextProbe: new Date(0), detail: 'No consent in Fabrikam.' };

/** The same alert is enriched in the home tenant, in Contoso and in Fabrikam, which lacks consent by now. */
async function createApp({
  rows = [rowOf(CONTOSO), rowOf(FABRIKAM)],
  error,
}: {
  rows?: TenantRow[];
  error?: Error;
} = {}) {
  const worlds = new Map<string, ReturnType<typeof createWorld>>();
  function scopeOf(tenant: Tenant | undefined) {
    const id = tenant?.id ?? HOME;
    const world = worlds.get(id) ?? createWorld();
    worlds.set(id, world);
    const { records, rules, now } = world.deps;
    const report = { ...quota, ...(id === FABRIKAM && { circuit: refusal, drainedBy: null }) };
    return {
      tenant,
      submit: createSubmit(world.deps),
      submitUrgent: createSubmitUrgent(world.deps, String, tenant?.id),
      lookup: createAlertLookup({
        records,
        rules,
        now,
        reportQuota: async () => report,
        tenantId: tenant?.id,
      }),
      recentQuota: async () => report,
      readQuota: async () => report,
      pollerProbe: undefined,
    };
  }
  const tenants = createTenantRouter({
    home: scopeOf(undefined),
    homeTenant: async () => HOME,
    directory:
      error === undefined ? directoryOf(rows) : { ...directoryOf(rows), rows: () => Promise.reject(error) },
    open: scopeOf,
  });
  await tenants.customers().catch(() => undefined);
  for (const world of worlds.values()) {
    await world.deliver(submissionOf({ alertId: ALERT }));
  }
  const recentTenants = async () => {
    const { scopes, broken } = await tenants.customers();
    return readTenantStates(
      scopes.flatMap(({ tenant, ...scope }) => (tenant ? [{ ...scope, tenant }] : [])),
      broken,
    );
  };
  const application = {
    tenants,
    recentTenants,
    now: () => new Date(0),
    provisionStorage: async () => [],
    recentHealth: async () => ({
      status: 'healthy' as const,
      ready: true,
      checks: [{ name: 'circuit', status: 'ok' as const, detail: 'closed' }],
      tenants: tenantsHealth(await recentTenants().catch(() => [])),
    }),
  };
  const handlers: Record<string, HttpHandler> = {
    find: createGetEnrichment(application, 'entra'),
    order: createSubmitEnrichments(application, 'entra'),
    quota: createGetQuota(application, 'entra'),
    health: createGetHealth(application, 'entra'),
  };
  const call = (name: string, headers: Record<string, string>, query = '', body?: unknown) =>
    invoke(handlers[name] as HttpHandler, name + query, {
      headers,
      method: body === undefined ? 'GET' : 'POST',
      body,
      params: { alertId: ALERT },
    });
  return { call, worlds, rows };
}

type Claim = { typ: string; val: string };
function signedIn(...claims: Claim[]): Record<string, string> {
  return {
    'x-ms-client-principal-id': 'eeeeeeee-1111-4222-8333-444444444444',
    'x-ms-client-principal': Buffer.from(JSON.stringify({ auth_typ: 'aad', claims })).toString('base64'),
  };
}
const roleOf = (tenantId: string): Claim => ({ typ: 'roles', val: `Tenant.${tenantId}` });
const appIdOf = (val: string): Claim => ({ typ: 'appid', val });

const anybody = signedIn();
const ofContoso = signedIn(roleOf(CONTOSO));

describe('a caller who is confined to a tenant', () => {
  test('reads its alerts, named or not', async () => {
    const { call } = await createApp();
    for (const query of ['', `?tenantId=${CONTOSO}`, `?tenantId=${CONTOSO.toUpperCase()}`]) {
      const answer = await call('find', ofContoso, query);
      expect(answer.status).toBe(200);
      expect(alertEnrichmentSchema.parse(answer.json())).toMatchObject({ alertId: ALERT, tenantId: CONTOSO });
    }
  });

  test.each(['find', 'quota'])('learns by %s of no other tenant, the home tenant included', async (name) => {
    const { call } = await createApp();
    const answers = await Promise.all(
      [FABRIKAM, HOME, NOWHERE, 'contoso.com', ''].map((id) => call(name, ofContoso, `?tenantId=${id}`)),
    );
    const documents = answers.map((answer) => problemSchema.parse(answer.json()));
    expect(new Set(documents.map(({ status, detail }) => `${status} ${detail}`))).toEqual(
      new Set([`403 This caller may act for ${CONTOSO} only. Send one of these as "tenantId".`]),
    );
  });

  test('submits for it, named or not, and for no other', async () => {
    const { call, worlds } = await createApp();
    const others = [FABRIKAM, HOME, NOWHERE, 'contoso.com'];
    const alerts = [undefined, CONTOSO, ...others].map((tenantId, index) => ({
      alertId: `a${index}`,
      tenantId,
    }));
    const answer = await call('order', ofContoso, '', alerts);
    expect(answer.status).toBe(202);
    const { submissions, rejected } = orderAnswerSchema.parse(answer.json());
    expect(submissions.map(({ index, location }) => [index, location])).toEqual([
      [0, `/api/enrichments/a0?tenantId=${CONTOSO}`],
      [1, `/api/enrichments/a1?tenantId=${CONTOSO}`],
    ]);
    expect(rejected.map(({ index, reason }) => [index, reason])).toEqual(
      others.map((_, index) => [index + 2, 'tenant-not-allowed']),
    );
    expect(new Set(rejected.map(({ detail }) => detail)).size).toBe(1);
    expect(worlds.get(CONTOSO)?.waiting()).toMatchObject([{ tenantId: CONTOSO }, { tenantId: CONTOSO }]);
    expect([...worlds].flatMap(([id, world]) => (id === CONTOSO ? [] : world.waiting()))).toEqual([]);

    for (const id of others) {
      expect((await call('order', ofContoso, `?tenantId=${id}`, [ALERT])).status).toBe(422);
    }
  });

  test('sees the quota and the health of its own tenant only', async () => {
    const { call } = await createApp();
    const quotaAnswer = await call('quota', ofContoso);
    expect(quotaAnswerSchema.parse(quotaAnswer.json()).tenantId).toBe(CONTOSO);
    const health = await call('health', ofContoso);
    expect(health.status).toBe(200);
    expect(healthAnswerSchema.parse(health.json())).toEqual({
      status: 'healthy',
      ready: true,
      checks: [],
      tenants: { served: 1, unwell: [], moreUnwell: 0 },
    });
    for (const { text } of [quotaAnswer, health]) {
      expect(text).not.toContain(FABRIKAM);
      expect(text).not.toContain(HOME);
    }
  });

  test('may be confined by the row of the tenant, by application ID or object ID, disabled and broken rows too', async () => {
    for (const row of [
      rowOf(CONTOSO, { callers: [CALLER] }),
      rowOf(CONTOSO, { callers: [CALLER], enabled: false }),
      brokenRowOf(CONTOSO, 'Column "geo" got "mars".', [CALLER]),
    ]) {
      const { call } = await createApp({ rows: [row, rowOf(FABRIKAM)] });
      const objectId = { ...anybody, 'x-ms-client-principal-id': CALLER };
      for (const caller of [signedIn(appIdOf(CALLER.toUpperCase())), objectId]) {
        expect((await call('find', caller, `?tenantId=${FABRIKAM}`)).status).toBe(403);
        expect((await call('find', caller)).status).toBe(
          row.kind === 'tenant' && row.tenant.enabled ? 200 : 404,
        );
      }
    }
  });

  test('names one of its tenants where it has several', async () => {
    const { call } = await createApp();
    const caller = signedIn(roleOf(CONTOSO), roleOf(FABRIKAM.toUpperCase()));
    expect((await call('find', caller)).status).toBe(403);
    expect((await call('find', caller, `?tenantId=${FABRIKAM}`)).status).toBe(200);
  });

  test('is confined while its tenant has no row', async () => {
    const { call } = await createApp({ rows: [rowOf(FABRIKAM)] });
    expect((await call('find', ofContoso)).status).toBe(404);
    expect((await call('find', ofContoso, `?tenantId=${FABRIKAM}`)).status).toBe(403);
  });

  test('is let in nowhere while the tenants cannot be read', async () => {
    const { call } = await createApp({ error: new RestError('Down.', { statusCode: 503 }) });
    for (const [name, body] of [['find'], ['quota'], ['health'], ['order', [ALERT]]] as const) {
      for (const caller of [ofContoso, anybody]) {
        expect((await call(name, caller, '', body)).status).toBe(503);
      }
    }
  });
});

describe('a caller without role or row', () => {
  test('reads and submits for every tenant', async () => {
    const { call, worlds } = await createApp();
    expect(alertEnrichmentSchema.parse((await call('find', anybody)).json()).tenantId).toBeUndefined();
    for (const id of [CONTOSO, FABRIKAM]) {
      const answer = await call('find', anybody, `?tenantId=${id}`);
      expect(alertEnrichmentSchema.parse(answer.json()).tenantId).toBe(id);
      expect((await call('order', anybody, '', [{ alertId: 'a', tenantId: id }])).status).toBe(202);
      expect(worlds.get(id)?.waiting()).toMatchObject([{ alertId: 'a', tenantId: id }]);
    }
  });

  test('is told which tenant is not served and what to do', async () => {
    const { call } = await createApp();
    const answer = await call('find', anybody, `?tenantId=${NOWHERE}`);
    expect(answer.status).toBe(404);
    expect(problemSchema.parse(answer.json())).toMatchObject({
      type: expect.stringContaining('unknown-tenant'),
      detail: expect.stringContaining('tenants add'),
    });
    const ordered = await call('order', anybody, `?tenantId=${NOWHERE}`, ['a']);
    expect(problemSchema.parse(ordered.json()).rejected).toMatchObject([{ reason: 'unknown-tenant' }]);
  });

  test('sees all quotas, the tightest first, and who is not well, which makes nothing unhealthy', async () => {
    const { call } = await createApp({
      rows: [rowOf(CONTOSO), rowOf(FABRIKAM, { name: 'Fabrikam' }), brokenRowOf(NOWHERE, 'Column "geo".')],
    });
    const { tenants } = quotaAnswerSchema.parse((await call('quota', anybody)).json());
    expect(tenants?.tightest.map(({ tenantId }) => tenantId)).toEqual([FABRIKAM, CONTOSO]);
    expect(tenants?.others).toBe(0);
    const health = await call('health', anybody);
    expect(health.status).toBe(200);
    expect(healthAnswerSchema.parse(health.json()).tenants).toEqual({
      served: 2,
      unwell: [
        { tenantId: FABRIKAM, name: 'Fabrikam', detail: 'No consent in Fabrikam.' },
        { tenantId: NOWHERE, detail: expect.stringContaining('Column "geo".') },
      ],
      moreUnwell: 0,
    });
  });

  test('may not name two tenants for one alert', async () => {
    const { call } = await createApp();
    const alert = { alertId: 'a', tenantId: CONTOSO };
    const answer = await call('order', anybody, `?tenantId=${FABRIKAM}`, [alert]);
    expect(problemSchema.parse(answer.json()).rejected).toMatchObject([{ reason: 'other-tenant' }]);
  });
});

test.each(['', 'no base64 {', Buffer.from('{"claims":7}').toString('base64')])(
  'a principal that cannot be read (%j) opens no tenant, since it may be confined',
  async (principal) => {
    const { call } = await createApp();
    const caller = { ...anybody, 'x-ms-client-principal': principal };
    for (const query of ['', `?tenantId=${CONTOSO}`]) {
      expect((await call('find', caller, query)).status).toBe(403);
      expect((await call('quota', caller, query)).status).toBe(403);
      expect((await call('order', caller, query, [ALERT])).status).toBe(422);
    }
    expect((await call('health', caller)).json()).toEqual({
      status: 'healthy',
      ready: true,
      checks: [],
      tenants: { served: 0, unwell: [], moreUnwell: 0 },
    });
  },
);

test('nobody is signed in without an ID', async () => {
  const { call } = await createApp();
  const { 'x-ms-client-principal-id': _, ...claimsOnly } = ofContoso;
  expect((await call('find', claimsOnly)).status).toBe(401);
});
