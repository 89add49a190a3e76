import type { HttpHandler } from '@azure/functions';
import { endpoint } from '../shared/http/endpoint.ts';

/** `GET /api/live`: that the process answers, to anybody, and nothing else. */
export function createGetLiveness(): HttpHandler {
  return endpoint({ methods: ['GET', 'HEAD'], authorization: 'none' }, async () => ({
    status: 200,
    headers: { 'cache-control': 'no-store' },
  }));
}
