import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createSecureServer, Server as SecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { type ApiParts, answerApiCall } from './api.ts';
import { createControl, type SimulatorControl } from './control.ts';
import { answerControlRequest, CONTROL_PATH } from './controlRoutes.ts';
import { createIdentity, exchangeIssuer, TENANT_ID } from './identity.ts';
import { answerTokenRequest, IDENTITY_PATH } from './identityEndpoint.ts';
import type { SignInServiceOptions, SimulatorOptions } from './options.ts';
import { guid, seededRandom } from './random.ts';
import { requestUrl } from './requestUrl.ts';
import { createAppRegistration } from './signIn/federatedCredential.ts';
import { answerSignInRequest, type SignInParts } from './signIn/signInService.ts';
import { createTenants } from './tenant.ts';
import { createTokens } from './tokens.ts';

/** A simulator that listens. */
export interface RunningSimulator {
  /** For `DEFENDER_API_URL` and `GRAPH_API_URL`. */
  readonly apiUrl: string;
  /** For `IDENTITY_ENDPOINT`. */
  readonly identityEndpoint: string;
  /** For `IDENTITY_HEADER`. */
  readonly identityHeader: string;
  /** For `AZURE_AUTHORITY_HOST`; undefined where it plays no sign-in service. */
  readonly authorityHost: string | undefined;
  /** Client ID of the app registration that signs in to the tenants. */
  readonly appId: string;
  /** Where `POST .../faults`, `GET .../report` and the other controls are. */
  readonly controlUrl: string;
  readonly control: SimulatorControl;
  /** Breaks all connections and stops. */
  close(): Promise<void>;
}

const LOOPBACK = '127.0.0.1';
const EXCHANGE_AUDIENCE = 'api://AzureADTokenExchange';

/** Starts the stand-in for the Defender API, Microsoft Graph, the identity endpoint, the sign-in service and their control, on loopback only. */
export async function startSimulator(options: SimulatorOptions = {}): Promise<RunningSimulator> {
  const { seed = '1', now = Date.now, userAssignedClientId, signInService } = options;
  if (signInService !== undefined && userAssignedClientId === undefined) {
    throw new Error(
      'The sign-in service needs userAssignedClientId: it trusts a user-assigned identity only.',
    );
  }
  const tenants = createTenants(TENANT_ID, seed, options, options.tenants ?? [], now());
  const tokens = createTokens();
  const identity = createIdentity({
    seed,
    home: tenants.home,
    tokens,
    lifetimeSeconds: options.tokenLifetimeSeconds ?? 3600,
    userAssignedClientId,
  });
  const app = createAppRegistration(
    guid(seededRandom(seed, 'app registration')),
    {
      issuer: exchangeIssuer(tenants.home.id),
      // The real service takes user-assigned identities only.
      subject: userAssignedClientId === undefined ? '' : identity.principalOf(userAssignedClientId),
      audience: EXCHANGE_AUDIENCE,
    },
    tokens,
  );
  const api: ApiParts = { tenants, tokens, calls: [], seed, now };
  const signIn: SignInParts = { seed, tenants, tokens, identity, app, log: [], now };
  const control = createControl({
    tenants,
    identity,
    tokens,
    app,
    calls: api.calls,
    signIns: signIn.log,
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
      : answerApiCall(api, request, response);
  };

  const server = await listen(createServer(SERVER_OPTIONS, answer), options.port ?? 0);
  const identityServer =
    options.identityPort === undefined
      ? server
      : await listen(createServer(SERVER_OPTIONS, answerToken), options.identityPort);
  const signInServer = signInService && (await startSignInService(signIn, signInService));
  const servers = [server, identityServer, ...(signInServer === undefined ? [] : [signInServer])];
  const apiUrl = urlOf(server);
  return {
    apiUrl,
    identityEndpoint: `${urlOf(identityServer)}${IDENTITY_PATH}`,
    identityHeader: identity.header,
    authorityHost: signInServer && urlOf(signInServer),
    appId: app.appId,
    controlUrl: `${apiUrl}${CONTROL_PATH}`,
    control,
    async close() {
      await Promise.all([...new Set(servers)].map(stop));
    },
  };
}

/** Connections stay open for longer than callers pause, so that no call meets one that is just being closed. */
const SERVER_OPTIONS = { keepAliveTimeout: 120_000 };

function startSignInService(
  parts: SignInParts,
  { certificate: cert, key, port = 0 }: SignInServiceOptions,
): Promise<Server> {
  const server = createSecureServer({ ...SERVER_OPTIONS, cert, key }, (request, response) =>
    answerSignInRequest(parts, urlOf(server), request, response),
  );
  return listen(server, port);
}

async function listen(server: Server, port: number): Promise<Server> {
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
  const scheme = server instanceof SecureServer ? 'https' : 'http';
  return `${scheme}://${LOOPBACK}:${(server.address() as AddressInfo).port}`;
}
