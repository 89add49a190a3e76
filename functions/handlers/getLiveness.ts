import { endpoint } from '../../shared/http/endpoint.ts';

/** `GET /api/live`: that the process answers, to anybody, and nothing else. */
export const getLiveness = endpoint({ methods: ['GET', 'HEAD'], authorization: 'none' }, async () => ({
  status: 200,
  headers: { 'cache-control': 'no-store' },
}));
