import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import type { Identity } from './identity.ts';
import { requestUrl } from './requestUrl.ts';

/** Where the identity endpoint lives on its server. */
export const IDENTITY_PATH = '/msi/token';

const API_VERSION = '2019-08-01';

/**
 * Answers one token request in the shape of App Service:
 * https://learn.microsoft.com/azure/app-service/overview-managed-identity#rest-endpoint-reference
 */
export async function answerTokenRequest(
  identity: Identity,
  now: () => number,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { mode, delayMs } = identity.behaviour;
  await delay(delayMs, undefined, { ref: false });
  const query = requestUrl(request).searchParams;
  const resource = query.get('resource');
  const clientId = query.get('client_id') ?? undefined;
  if (request.method !== 'GET') {
    sendError(response, 405, `The identity endpoint answers GET only, not ${request.method}.`);
  } else if (request.headers['x-identity-header'] !== identity.header) {
    sendError(response, 401, 'The X-IDENTITY-HEADER is missing or is not the value of IDENTITY_HEADER.');
  } else if (query.get('api-version') !== API_VERSION) {
    sendError(response, 400, `The query parameter api-version must be ${API_VERSION}.`);
  } else if (resource === null || resource === '') {
    sendError(response, 400, 'The query parameter resource is missing: name the API that the token is for.');
  } else if (!identity.has(clientId)) {
    // As seen in https://github.com/Azure/azure-sdk-for-net/issues/43691.
    sendError(response, 400, 'Unable to load the proper Managed Identity.');
  } else if (mode === 'outage') {
    sendError(response, 500, 'An unexpected error occurred while fetching the token.');
  } else {
    const token = identity.issue({ resource, clientId }, now());
    sendJson(response, 200, {
      access_token: token.accessToken,
      expires_on: String(token.expiresOn),
      resource,
      token_type: 'Bearer',
      client_id: token.clientId,
    });
  }
}

function sendError(response: ServerResponse, statusCode: number, message: string): void {
  sendJson(response, statusCode, { statusCode, message });
}

function sendJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'Content-Type': 'application/json; charset=utf-8' }).end(JSON.stringify(body));
}
