import type { HttpHandler } from '@azure/functions';
import type { Application } from '../../shared/application.ts';
import type { HttpAuthorization } from '../../shared/config/httpSettings.ts';
import { type TenantState, tenantsQuota } from '../../shared/health/tenantStates.ts';
import { negotiate } from '../../shared/http/contentNegotiation.ts';
import type { QuotaAnswer } from '../../shared/http/contract.ts';
import { endpoint } from '../../shared/http/endpoint.ts';
import { notAcceptable } from '../../shared/http/problem.ts';
import { jsonResponse } from '../../shared/http/response.ts';
import { createTenantAccess } from '../../shared/http/tenantAccess.ts';
import type { ApiQuotaReport, QuotaReport } from '../../shared/quota/quotaReport.ts';
import type { TenantRouter } from '../../shared/tenants/tenantRouter.ts';

const TYPES = ['application/json'] as const;

/** `GET /api/quota`: how the quota stands. */
export function createGetQuota(
  application: Pick<Application, 'recentTenants' | 'provisionStorage'> & {
    tenants: TenantRouter<Pick<Application, 'recentQuota' | 'tenant'>>;
  },
  authorization: HttpAuthorization,
): HttpHandler {
  const { tenants, recentTenants } = application;
  const access = createTenantAccess(authorization, tenants);

  return endpoint({ methods: ['GET', 'HEAD'], authorization }, async ({ headers, query }) => {
    if (negotiate(headers.get('accept'), TYPES) === undefined) {
      return notAcceptable(TYPES);
    }
    await application.provisionStorage();
    const confinement = await access.confinementOf(headers);
    const named = query.get('tenantId');
    const found = await access.find(confinement, named);
    if (!found.ok) {
      return found.error;
    }
    const { tenant, recentQuota } = found.value.scope;
    // The list of tenants is for callers that may act for all of them and name none.
    const showsTenants = confinement === undefined && named === null;
    return jsonResponse(200, {
      ...quotaAnswer(await recentQuota()),
      ...(tenant !== undefined && { tenantId: tenant.id }),
      ...(showsTenants && recentTenants && { tenants: tenantsAnswer(await recentTenants()) }),
    } satisfies QuotaAnswer);
  });
}

/** The report on the quota as JSON holds it. */
export function quotaAnswer({ queued, drainedBy, bulk, source, hunting, ...api }: QuotaReport): QuotaAnswer {
  return {
    ...apiQuotaAnswer(api),
    queued,
    drainedBy: drainedBy?.toISOString() ?? null,
    ...(bulk !== undefined && { bulk }),
    ...(source !== undefined && { source }),
    ...(hunting !== undefined && { hunting: apiQuotaAnswer(hunting) }),
  };
}

function tenantsAnswer(states: readonly TenantState[]): NonNullable<QuotaAnswer['tenants']> {
  const { tightest, others } = tenantsQuota(states);
  return {
    tightest: tightest.map(({ tenantId, name, ...quota }) => ({
      tenantId,
      ...(name !== undefined && { name }),
      ...apiQuotaAnswer(quota),
    })),
    others,
  };
}

function apiQuotaAnswer({ windows, rate, pausedUntil, circuit }: ApiQuotaReport) {
  return {
    windows,
    rate,
    pausedUntil: pausedUntil?.toISOString() ?? null,
    circuit: circuit && {
      openSince: circuit.openSince.toISOString(),
      nextProbe: circuit.nextProbe.toISOString(),
      detail: circuit.detail,
    },
  };
}
