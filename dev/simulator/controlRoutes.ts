import type { IncomingMessage, ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import * as z from 'zod';
import type { SimulatorControl, TenantControl } from './control.ts';
import { apiNames, faultRatesSchema, faultScriptSchema } from './faults.ts';
import { cpuBlockSchema, huntingChangeSchema } from './graph/hunting.ts';
import { signInStates } from './permissions.ts';
import { requestUrl } from './requestUrl.ts';
import { retiredStatuses } from './retirement.ts';
import { credentialChangeSchema } from './signIn/federatedCredential.ts';

/** Where control lives on the API's server. */
export const CONTROL_PATH = '/_control';

type Handler<Control> = (control: Control, input: { query: URLSearchParams; body: unknown }) => unknown;

const faultsBody = z.strictObject({
  rates: faultRatesSchema.optional(),
  /** Whose rates; those of all APIs where left out. */
  apis: z.array(z.enum(apiNames)).min(1).optional(),
  scripts: z.array(faultScriptSchema).default([]),
});
const rolesBody = z.strictObject({
  grant: z.array(z.string()).default([]),
  revoke: z.array(z.string()).default([]),
});
const identityBody = z.strictObject({
  mode: z.enum(['normal', 'outage', 'wrong-audience']).exactOptional(),
  delayMs: z.number().min(0).exactOptional(),
  lifetimeSeconds: z.int().min(0).exactOptional(),
});
const retirementBody = z.strictObject({ status: z.literal(retiredStatuses).nullable() });
const huntingBody = huntingChangeSchema.extend({ cpuExhausted: cpuBlockSchema.optional() });
const signInBody = z.strictObject({ state: z.enum(signInStates) });
const neighbourBody = z.strictObject({ share: z.number().min(0).max(1) });
const alertsBody = z.union([
  z.strictObject({ count: z.int().min(1).max(100_000) }),
  z.strictObject({
    alerts: z.array(
      z.strictObject({
        id: z.string(),
        machineId: z.string().nullable().optional(),
        severity: z.string().optional(),
        status: z.string().optional(),
        detectionSource: z.string().optional(),
        lastUpdateTime: z.iso.datetime().optional(),
      }),
    ),
  }),
]);

const tenantHandlers: Record<string, Handler<TenantControl>> = {
  'GET /report': (control) => control.report(),
  'GET /calls': (control) => control.calls(),
  'GET /alerts': (control, { query }) => {
    const count = z.coerce
      .number()
      .int()
      .min(0)
      .optional()
      .parse(query.get('count') ?? undefined);
    return { alertIds: control.alertIds(count) };
  },
  'POST /alerts': (control, { body }) => {
    const input = alertsBody.parse(body);
    const added = 'count' in input ? control.addNewAlerts(input.count) : control.addAlerts(input.alerts);
    return { alertIds: added.map((alert) => alert.id) };
  },
  'POST /faults': (control, { body }) => {
    const { rates, apis, scripts } = faultsBody.parse(body);
    if (rates !== undefined) {
      control.setFaultRates(rates, apis);
    }
    for (const script of scripts) {
      control.scriptFaults(script);
    }
    return {};
  },
  'POST /roles': (control, { body }) => {
    const { grant, revoke } = rolesBody.parse(body);
    control.grantRoles(grant);
    control.revokeRoles(revoke);
    return {};
  },
  'POST /sign-in': (control, { body }) => {
    control.setSignIn(signInBody.parse(body).state);
    return {};
  },
  'POST /neighbour': (control, { body }) => {
    control.setNeighbourShare(neighbourBody.parse(body).share);
    return {};
  },
  'POST /retirement': (control, { body }) => {
    control.retireDefender(retirementBody.parse(body).status);
    return {};
  },
  'POST /hunting': (control, { body }) => {
    const { cpuExhausted, ...behaviour } = huntingBody.parse(body);
    control.setHunting(behaviour);
    if (cpuExhausted !== undefined) {
      control.exhaustHunting(cpuExhausted);
    }
    return {};
  },
  'POST /reset': (control) => {
    control.reset();
    return {};
  },
};

const handlers: Record<string, Handler<SimulatorControl>> = {
  ...tenantHandlers,
  'GET /tenants': ({ tenants }) => ({ tenants: tenants.map(({ tenantId, name }) => ({ tenantId, name })) }),
  'GET /tokens': (control) => control.issuedTokens(),
  'GET /sign-ins': (control) => control.signIns(),
  'POST /identity': (control, { body }) => {
    control.setIdentity(identityBody.parse(body));
    return {};
  },
  'GET /federated-credential': (control) => control.federatedCredential,
  'POST /federated-credential': (control, { body }) => {
    control.setFederatedCredential(credentialChangeSchema.parse(body));
    return {};
  },
};

/** Answers one request for control: JSON in, JSON out; 400 says what is wrong with a body. */
export async function answerControlRequest(
  control: SimulatorControl,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const url = requestUrl(request);
  const handle = findHandler(control, request.method, url.pathname.slice(CONTROL_PATH.length));
  if (typeof handle === 'string') {
    sendJson(response, 404, { message: handle });
    return;
  }
  try {
    const content = await text(request);
    const body: unknown = content === '' ? {} : JSON.parse(content);
    sendJson(response, 200, handle({ query: url.searchParams, body }));
  } catch (error) {
    if (error instanceof z.ZodError) {
      sendJson(response, 400, { message: z.prettifyError(error) });
    } else if (error instanceof SyntaxError) {
      sendJson(response, 400, { message: `The body is not JSON: ${error.message}` });
    } else {
      throw error;
    }
  }
}

/** What answers a control, bound to what it is about: all tenants, or the one in `/tenants/<tenant ID>/...`; or why nothing does. */
function findHandler(control: SimulatorControl, method: string | undefined, path: string) {
  const [, tenantId, rest] = /^\/tenants\/([^/]+)(\/.*)$/.exec(path) ?? [];
  if (tenantId === undefined) {
    const handler = handlers[`${method} ${path}`];
    return handler === undefined
      ? `There is no such control. There are: ${Object.keys(handlers).join(', ')}.`
      : (input: Parameters<typeof handler>[1]) => handler(control, input);
  }
  const tenant = control.tenant(tenantId);
  if (tenant === undefined) {
    return `There is no such tenant. There are: ${control.tenants.map((known) => known.tenantId).join(', ')}.`;
  }
  const handler = tenantHandlers[`${method} ${rest}`];
  return handler === undefined
    ? `A tenant has no such control. It has: ${Object.keys(tenantHandlers).join(', ')}.`
    : (input: Parameters<typeof handler>[1]) => handler(tenant, input);
}

function sendJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'Content-Type': 'application/json; charset=utf-8' }).end(JSON.stringify(body));
}
