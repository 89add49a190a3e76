import type { HttpHandler } from '@azure/functions';
import type { Application } from '../../shared/application.ts';
import type { HttpAuthorization } from '../../shared/config/httpSettings.ts';
import { tenantsHealth } from '../../shared/health/tenantStates.ts';
import { endpoint } from '../../shared/http/endpoint.ts';
import { jsonResponse } from '../../shared/http/response.ts';
import { createTenantAccess } from '../../shared/http/tenantAccess.ts';
import type { TenantRouter } from '../../shared/tenants/tenantRouter.ts';

/** `GET /api/health`: whether alerts can move, for availability tests. They get JSON, whatever they accept. */
export function createGetHealth(
  application: Pick<Application, 'recentHealth' | 'recentTenants'> & { tenants: TenantRouter<unknown> },
  authorization: HttpAuthorization,
): HttpHandler {
  const { recentHealth, recentTenants, tenants } = application;
  const access = createTenantAccess(authorization, tenants);

  return endpoint({ methods: ['GET', 'HEAD'], authorization }, async ({ headers }) => {
    const [confinement, health] = await Promise.all([access.confinementOf(headers), recentHealth()]);
    const status = health.status === 'healthy' ? 200 : 503;
    if (confinement === undefined) {
      return jsonResponse(status, health);
    }
    // What is wrong with the deployment or with others is not for a caller of one tenant.
    const states = (await recentTenants?.()) ?? [];
    const own = states.filter(({ tenantId }) => confinement.has(tenantId));
    const { status: overall, ready } = health;
    return jsonResponse(status, { status: overall, ready, checks: [], tenants: tenantsHealth(own) });
  });
}
