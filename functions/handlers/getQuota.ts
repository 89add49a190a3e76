import type { HttpHandler } from '@azure/functions';
import type { Application } from '../../shared/application.ts';
import type { HttpAuthorization } from '../../shared/config/httpSettings.ts';
import { negotiate } from '../../shared/http/contentNegotiation.ts';
import type { QuotaAnswer } from '../../shared/http/contract.ts';
import { endpoint } from '../../shared/http/endpoint.ts';
import { notAcceptable } from '../../shared/http/problem.ts';
import { jsonResponse } from '../../shared/http/response.ts';
import type { QuotaReport } from '../../shared/quota/quotaReport.ts';

const TYPES = ['application/json'] as const;

/** `GET /api/quota`: how the quota stands. */
export function createGetQuota(
  application: Pick<Application, 'recentQuota' | 'provisionStorage'>,
  authorization: HttpAuthorization,
): HttpHandler {
  return endpoint({ methods: ['GET', 'HEAD'], authorization }, async ({ headers }) => {
    if (negotiate(headers.get('accept'), TYPES) === undefined) {
      return notAcceptable(TYPES);
    }
    await application.provisionStorage();
    return jsonResponse(200, quotaAnswer(await application.recentQuota()));
  });
}

/** The report on the quota as JSON holds it. */
export function quotaAnswer({ queued, drainedBy, source, hunting, ...api }: QuotaReport): QuotaAnswer {
  return {
    ...apiQuotaAnswer(api),
    queued,
    drainedBy: drainedBy?.toISOString() ?? null,
    ...(source !== undefined && { source }),
    ...(hunting !== undefined && { hunting: apiQuotaAnswer(hunting) }),
  };
}

function apiQuotaAnswer({ windows, rate, pausedUntil, circuit }: NonNullable<QuotaReport['hunting']>) {
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
