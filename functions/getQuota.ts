import type { HttpHandler } from '@azure/functions';
import type { Application } from '../shared/application.ts';
import type { HttpAuthorization } from '../shared/config/httpSettings.ts';
import { negotiate } from '../shared/http/accept.ts';
import { jsonAnswer } from '../shared/http/answer.ts';
import { endpoint } from '../shared/http/endpoint.ts';
import { notAcceptable } from '../shared/http/problem.ts';
import { quotaAnswer } from '../shared/http/quotaAnswer.ts';

const TYPES = ['application/json'] as const;

/** `GET /api/quota`: how the quota stands. */
export function createGetQuota(
  application: Pick<Application, 'recentQuota' | 'provisionStorage'>,
  authorization: HttpAuthorization,
): HttpHandler {
  return endpoint({ methods: ['GET', 'HEAD'], authorization }, async ({ headers }) => {
    if (negotiate(headers.get('accept'), TYPES) === undefined) return notAcceptable(TYPES);
    await application.provisionStorage();
    return jsonAnswer(200, quotaAnswer(await application.recentQuota()));
  });
}
