import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createAlerts } from './alerts/alerts.ts';
import { type ApiParts, answerApiCall } from './api.ts';
import { defenderErrors } from './apiError.ts';
import { isDefenderAudience, isGraphAudience } from './audiences.ts';
import { createControl, type SimulatorControl } from './control.ts';
import { answerControlRequest, CONTROL_PATH } from './controlRoutes.ts';
import { createFaultPlan } from './faults.ts';
import { createFleet } from './fleet/fleet.ts';
import { graphErrors, huntingErrors } from './graph/graphErrors.ts';
import { isGraphPath, routeGraphCall } from './graph/graphRoutes.ts';
import { createHunting } from './graph/hunting.ts';
import { createIdentity } from './identity.ts';
import { answerTokenRequest, IDENTITY_PATH } from './identityEndpoint.ts';
import type { SimulatorOptions } from './options.ts';
import { createQuota } from './quota.ts';
import type { RateLimit } from './rateWindows.ts';
import { requestUrl } from './requestUrl.ts';
import { createRetirement } from './retirement.ts';
import { routeCall } from './routes.ts';

/** A simulator that listens. */
export interface RunningSimulator {
  /** For `DEFENDER_API_URL` and `GRAPH_API_URL`. */
  readonly apiUrl: string;
  /** For `IDENTITY_ENDPOINT`. */
  readonly identityEndpoint: string;
  /** For `IDENTITY_HEADER`. */
  readonly identityHeader: string;
  /** Where `POST .../faults`, `GET .../report` and the other controls are. */
  readonly controlUrl: string;
  readonly control: SimulatorControl;
  /** Breaks all connections and stops. */
  close(): Promise<void>;
}

const LOOPBACK = '127.0.0.1';

/** Starts the stand-in for the Defender API, Microsoft Graph, the identity endpoint and their control, on loopback only. */
export async function startSimulator(options: SimulatorOptions = {}): Promise<RunningSimulator> {
  const { seed = '1', now = Date.now } = options;
  const referenceTime = now();
  const identity = createIdentity({
    seed,
    roles: options.roles ?? ['Machine.Read.All', 'SecurityAlert.Read.All', 'ThreatHunting.Read.All'],
    lifetimeSeconds: options.tokenLifetimeSeconds ?? 3600,
    userAssignedClientId: options.userAssignedClientId,
  });
  const fleet = createFleet(seed, options.machines ?? 200, referenceTime);
  const { tenantId } = identity;
  const alerts = createAlerts({ seed, size: options.alerts ?? 1000, tenantId, fleet, referenceTime });
  const quotaOf = (limits: readonly RateLimit[]) =>
    createQuota({ limits, windows: options.windows ?? 'sliding', seed });
  const quotas = {
    defender: quotaOf(
      options.limits ?? [
        { calls: 100, windowMs: 60_000 },
        { calls: 1500, windowMs: 3_600_000 },
      ],
    ),
    graph: quotaOf(options.graphLimits ?? [{ calls: 120, windowMs: 60_000 }]),
    hunting: quotaOf(options.huntingLimits ?? [{ calls: 20, windowMs: 60_000 }]),
  };
  const hunting = createHunting({ seed, fleet, alerts });
  const retirement = createRetirement(options.retired ?? null);
  const faults = createFaultPlan(seed);
  const parts: ApiParts = {
    world: { fleet, alerts },
    apis: {
      defender: {
        isAudience: isDefenderAudience,
        quota: quotas.defender,
        bucketOf: (appId) => appId,
        errors: defenderErrors,
      },
      graph: {
        isAudience: isGraphAudience,
        quota: quotas.graph,
        bucketOf: (appId) => appId,
        errors: graphErrors,
      },
      hunting: {
        isAudience: isGraphAudience,
        quota: quotas.hunting,
        // All apps and people of a tenant share one.
        bucketOf: () => tenantId,
        errors: huntingErrors,
      },
    },
    route: (url, body) =>
      isGraphPath(url) ? routeGraphCall(url, body, { seed, fleet, alerts, hunting }) : routeCall(url),
    retirement,
    identity,
    faults,
    calls: [],
    latency: options.latency ?? { least: 0, most: 0 },
    seed,
    now,
  };
  const control = createControl({
    fleet,
    alerts,
    faults,
    identity,
    quotas: Object.values(quotas),
    hunting,
    retirement,
    calls: parts.calls,
    now,
  });

  const answerToken: RequestListener = (request, response) =>
    answerTokenRequest(identity, now, request, response);
  const answer: RequestListener = (request, response) => {
    const { pathname } = requestUrl(request);
    if (pathname.startsWith(`${CONTROL_PATH}/`)) {
      return answerControlRequest(control, request, response);
    }
    return pathname === IDENTITY_PATH && options.identityPort === undefined
      ? answerToken(request, response)
      : answerApiCall(parts, request, response);
  };

  const server = await listen(answer, options.port ?? 0);
  const identityServer =
    options.identityPort === undefined ? server : await listen(answerToken, options.identityPort);
  const apiUrl = urlOf(server);
  return {
    apiUrl,
    identityEndpoint: `${urlOf(identityServer)}${IDENTITY_PATH}`,
    identityHeader: identity.header,
    controlUrl: `${apiUrl}${CONTROL_PATH}`,
    control,
    async close() {
      await Promise.all([...new Set([server, identityServer])].map(stop));
    },
  };
}

async function listen(listener: RequestListener, port: number): Promise<Server> {
  // Connections stay open for longer than callers pause, so that no call meets one that is just being closed.
  const server = createServer({ keepAliveTimeout: 120_000 }, listener);
  server.listen(port, LOOPBACK);
  await once(server, 'listening');
  return server;
}

async function stop(server: Server): Promise<void> {
  const closed = once(server, 'close');
  server.close();
  server.closeAllConnections();
  await closed;
}

function urlOf(server: Server): string {
  return `http://${LOOPBACK}:${(server.address() as AddressInfo).port}`;
}
