import type { HttpHandler } from '@azure/functions';
import type { Application } from '../../shared/application.ts';
import type { HttpAuthorization } from '../../shared/config/httpSettings.ts';
import { endpoint } from '../../shared/http/endpoint.ts';
import { jsonResponse } from '../../shared/http/response.ts';

/** `GET /api/health`: whether alerts can move, for availability tests. They get JSON, whatever they accept. */
export function createGetHealth(
  application: Pick<Application, 'recentHealth'>,
  authorization: HttpAuthorization,
): HttpHandler {
  return endpoint({ methods: ['GET', 'HEAD'], authorization }, async () => {
    const health = await application.recentHealth();
    return jsonResponse(health.status === 'healthy' ? 200 : 503, health);
  });
}
