import type { HttpHandler } from '@azure/functions';
import type { Application } from '../../shared/application.ts';
import type { HttpAuthorization } from '../../shared/config/httpSettings.ts';
import { enrichmentResponse, pendingResponse } from '../../shared/http/alertResponse.ts';
import { negotiate } from '../../shared/http/contentNegotiation.ts';
import { endpoint } from '../../shared/http/endpoint.ts';
import { notAcceptable } from '../../shared/http/problem.ts';
import { endOfWait, readWait } from '../../shared/http/request.ts';
import { RESPONSE_TYPES } from '../../shared/http/response.ts';
import { createTenantAccess } from '../../shared/http/tenantAccess.ts';
import { ALERT_ID_RULE, isAlertId } from '../../shared/intake/submission.ts';
import type { TenantRouter } from '../../shared/tenants/tenantRouter.ts';

/** `GET /api/enrichments/{alertId}`: says how an alert stands, and waits for its enrichment when asked to. */
export function createGetEnrichment(
  application: Pick<Application, 'provisionStorage'> & {
    tenants: TenantRouter<Pick<Application, 'lookup' | 'tenant'>>;
  },
  authorization: HttpAuthorization,
): HttpHandler {
  const access = createTenantAccess(authorization, application.tenants);

  return endpoint({ methods: ['GET', 'HEAD'], authorization }, async ({ headers, params, query }) => {
    const { alertId = '' } = params;
    if (!isAlertId(alertId)) {
      return { problem: 'malformed-alert-id', detail: `Expected: ${ALERT_ID_RULE}.` };
    }
    const type = negotiate(headers.get('accept'), RESPONSE_TYPES);
    if (type === undefined) {
      return notAcceptable(RESPONSE_TYPES);
    }
    const wait = readWait(query.get('wait'));
    if (!wait.ok) {
      return wait.error;
    }

    await application.provisionStorage();
    const confinement = await access.confinementOf(headers);
    const found = await access.find(confinement, query.get('tenantId'));
    if (!found.ok) {
      return found.error;
    }
    const { lookup, tenant } = found.value.scope;
    const status = await lookup.find(alertId, endOfWait(wait.value));
    switch (status.kind) {
      case 'unknown':
        return {
          problem: 'unknown-alert',
          detail: 'Nobody has submitted this alert, or it waits in the queue.',
        };
      case 'pending':
        return pendingResponse(type, alertId, await lookup.expectation(), status.deferral, tenant?.id);
      case 'final':
        return enrichmentResponse(type, status.enrichment, headers.get('if-none-match'));
    }
  });
}
