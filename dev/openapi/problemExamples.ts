import { RestError } from '@azure/data-tables';
import { type HttpHandler, HttpRequest, type HttpResponseInit, InvocationContext } from '@azure/functions';
import { createGetEnrichment } from '#functions/handlers/getEnrichment.ts';
import { createSubmitEnrichments } from '#functions/handlers/submitEnrichments.ts';
import { type ProblemDocument, problemSchema } from '#shared/http/contract.ts';
import { createTenantRouter } from '#shared/tenants/tenantRouter.ts';

/** A problem document as the functions answer it, and the headers that come with it. */
export interface ProblemExample {
  problem: ProblemDocument;
  headers: Record<string, string>;
}

type Requested = { method?: string; path?: string; headers?: Record<string, string>; body?: string };

const ALERT_ID = 'da637472900382838869_1364969609';
const ORDER = { method: 'POST', headers: { 'content-type': 'application/json' } };

const HOME = '11111111-2222-4333-8444-555555555555';
const OTHER = '22222222-2222-4333-8444-555555555555';
const claims = [{ typ: 'roles', val: `Tenant.${HOME}` }];
/** What App Service Authentication says about a caller with the app role of one tenant. */
const CONFINED = {
  'x-ms-client-principal-id': '33333333-2222-4333-8444-555555555555',
  'x-ms-client-principal': Buffer.from(JSON.stringify({ claims })).toString('base64'),
};
const scope = {
  tenant: undefined,
  lookup: {
    find: async () => ({ kind: 'unknown' as const }),
    follow: async () => ({ kind: 'pending' as const }),
    expectation: async () => ({ retryAfterSeconds: 5 }),
  },
  submit: async () => ({ queued: [], notQueued: [] }),
  submitUrgent: async () => ({ queued: [], notQueued: [], runs: new Map() }),
};
/** A deployment with no customer yet. @param homeTenant Undefined while it gives no token. */
const tenantsOf = (homeTenant: string | undefined) =>
  createTenantRouter({
    home: scope,
    homeTenant: async () => homeTenant,
    directory: { rows: async () => new Map(), failingSince: () => undefined },
    open: () => scope,
  });

/** An app that nobody has given an alert, and whose queue takes none. */
const emptyApplication = {
  tenants: tenantsOf(HOME),
  provisionStorage: async () => [],
  now: () => new Date('2026-11-23T12:00:00Z'),
};

function applicationThatThrows(error: Error) {
  return { ...emptyApplication, provisionStorage: () => Promise.reject(error) };
}

const lookUp = createGetEnrichment(emptyApplication, 'key');
const order = createSubmitEnrichments(emptyApplication, 'key');

const CASES: [HttpHandler, Requested][] = [
  [lookUp, { path: 'da%201' }],
  [lookUp, { path: `${ALERT_ID}?wait=3600` }],
  [order, { ...ORDER, body: '{"alertIds": [' }],
  [createGetEnrichment(emptyApplication, 'entra'), {}],
  [
    createGetEnrichment(emptyApplication, 'entra'),
    { path: `${ALERT_ID}?tenantId=${OTHER}`, headers: CONFINED },
  ],
  [lookUp, { path: `${ALERT_ID}?tenantId=${OTHER}` }],
  [lookUp, {}],
  [lookUp, { method: 'DELETE' }],
  [lookUp, { headers: { accept: 'application/xml' } }],
  [order, { ...ORDER, body: JSON.stringify(Array(1_001).fill(ALERT_ID)) }],
  [order, { method: 'POST', headers: { 'content-type': 'application/xml' }, body: '<alert/>' }],
  [order, { ...ORDER, body: JSON.stringify(['da 1', { alertId: ALERT_ID, machineId: 7 }]) }],
  [createGetEnrichment(applicationThatThrows(new Error('A bug.')), 'key'), {}],
  [order, { ...ORDER, body: JSON.stringify(ALERT_ID) }],
  [
    createGetEnrichment({ ...emptyApplication, tenants: tenantsOf(undefined) }, 'key'),
    { path: `${ALERT_ID}?tenantId=${OTHER}` },
  ],
  [createGetEnrichment(applicationThatThrows(new RestError('Busy.', { statusCode: 503 })), 'key'), {}],
];

/** One example of each problem, by the last part of its type: what the functions really answer. */
export async function problemExamples(): Promise<Map<string, ProblemExample>> {
  const examples = await Promise.all(CASES.map(([handler, requested]) => ask(handler, requested)));
  return new Map(examples.map((example) => [example.problem.type.split(':').at(-1) ?? '', example]));
}

async function ask(handler: HttpHandler, requested: Requested): Promise<ProblemExample> {
  const { method = 'GET', path = ALERT_ID, headers = {}, body } = requested;
  const url = new URL(path, 'https://localhost/api/enrichments/');
  const request = new HttpRequest({
    method,
    url: url.href,
    headers,
    query: Object.fromEntries(url.searchParams),
    params: { alertId: decodeURIComponent(url.pathname.split('/').at(-1) ?? '') },
    ...(body !== undefined && { body: { string: body } }),
  });
  const invocationId = '3a2f0c52-7d1b-4a64-9f0e-5b8c2d6e1a09';
  const context = new InvocationContext({ invocationId, logHandler: () => undefined });
  const answer = (await handler(request, context)) as HttpResponseInit;
  return {
    problem: problemSchema.parse(JSON.parse(String(answer.body))),
    headers: answer.headers as Record<string, string>,
  };
}
