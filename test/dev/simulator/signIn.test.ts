import { ClientAssertionCredential, type ClientAssertionCredentialOptions } from '@azure/identity';
import { expect, test } from 'vitest';
import { signInStates } from '#dev/simulator/permissions.ts';
import type { RunningSimulator } from '#dev/simulator/simulator.ts';
import { createTokens } from '#dev/simulator/tokens.ts';
import { startForTest } from './simulatorFixture.ts';
import {
  assertionOf,
  CLIENT_ID,
  credentialFor,
  customerId,
  EXCHANGE_AUDIENCE,
  requestTenantToken,
  startTenants,
  tenantToken,
} from './tenantsFixture.ts';

const claimsOf = (token: string) =>
  JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString());
type PipelinePolicy = NonNullable<ClientAssertionCredentialOptions['additionalPolicies']>[number]['policy'];
const NOWHERE = '6a1f0b52-3c55-4a7e-9a53-20c1d7a0ffff';

test('The real client assertion credential gets a token of the customer, with the roles granted there', async () => {
  const simulator = await startTenants([{ roles: ['Machine.Read.All', 'ThreatHunting.Read.All'] }]);
  const tenantId = customerId(simulator);
  expect(claimsOf(await tenantToken(simulator, tenantId))).toMatchObject({
    aud: 'https://api.securitycenter.microsoft.com',
    appid: simulator.appId,
    tid: tenantId,
    roles: ['Machine.Read.All'],
  });
  const forGraph = await tenantToken(simulator, tenantId, 'https://graph.microsoft.com');
  expect(claimsOf(forGraph)).toMatchObject({ tid: tenantId, roles: ['ThreatHunting.Read.All'] });
});

test('A kept credential asks for one token, and one made anew asks again', async () => {
  const simulator = await startTenants([{}]);
  const tenantId = customerId(simulator);
  const scope = 'https://api.securitycenter.microsoft.com/.default';
  const credential = credentialFor(simulator, tenantId);
  const tokens = [await credential.getToken(scope), await credential.getToken(scope)];
  expect(new Set(tokens.map(({ token }) => token)).size).toBe(1);
  await credentialFor(simulator, tenantId).getToken(scope);
  expect(simulator.control.signIns()).toEqual([
    { time: expect.any(Number), tenantId, appId: simulator.appId, scope, error: null },
    { time: expect.any(Number), tenantId, appId: simulator.appId, scope, error: null },
  ]);
});

/** What a state of the tenant is answered with. */
const refusals: Record<(typeof signInStates)[number], [status: number, error: string, code: number]> = {
  granted: [200, '', 0],
  'no-consent': [400, 'unauthorized_client', 700016],
  'no-service-principal': [401, 'invalid_client', 7000229],
  'no-grant': [400, 'invalid_grant', 65001],
  'no-resource': [400, 'invalid_resource', 500011],
  'app-disabled': [401, 'unauthorized_client', 7000112],
  outage: [503, 'temporarily_unavailable', 90033],
};

test.for(signInStates.filter((state) => state !== 'granted'))(
  'A customer whose state is %s refuses the app as Entra does, and others do not',
  async (state) => {
    const simulator = await startTenants([{ signIn: state, name: 'Contoso' }, {}]);
    const [status, error, code] = refusals[state];
    const answer = await requestTenantToken(simulator, customerId(simulator));
    expect(answer).toEqual({
      status,
      body: {
        error,
        error_description: expect.stringMatching(
          new RegExp(`^AADSTS${code}: .+ Trace ID: \\S+ Correlation ID: \\S+ Timestamp: [\\d-]+ [\\d:]+Z$`),
        ),
        error_codes: [code],
        timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ$/),
        trace_id: expect.stringMatching(/^[0-9a-f-]{36}$/),
        correlation_id: expect.stringMatching(/^[0-9a-f-]{36}$/),
        error_uri: `https://login.microsoftonline.com/error?code=${code}`,
        ...(state === 'no-grant' ? { suberror: 'consent_required' } : {}),
      },
    });
    expect((await requestTenantToken(simulator, customerId(simulator, 1))).status).toBe(200);
  },
);

test('The real credential throws the words of Entra', async () => {
  const simulator = await startTenants([{ signIn: 'no-consent', name: 'Contoso' }]);
  await expect(tenantToken(simulator, customerId(simulator))).rejects.toThrow(
    /AADSTS700016: Application with identifier '.+' was not found in the directory 'Contoso'/,
  );
});

test('A tenant that does not exist is refused, by its description and by the token endpoint', async () => {
  const simulator = await startTenants([]);
  const description = await fetch(
    `${simulator.authorityHost}/${NOWHERE}/v2.0/.well-known/openid-configuration`,
  );
  expect(description.status).toBe(400);
  expect(await description.json()).toMatchObject({ error: 'invalid_tenant', error_codes: [90002] });
  expect(await requestTenantToken(simulator, NOWHERE)).toMatchObject({
    status: 400,
    body: { error: 'invalid_request', error_codes: [90002] },
  });
  await expect(tenantToken(simulator, NOWHERE)).rejects.toThrow('endpoints_resolution_error');
});

/** What is wrong with the exchange: the registration, the identity, or what is presented. */
const wrongExchanges: [
  what: string,
  code: number,
  exchange: (simulator: RunningSimulator) => Promise<Record<string, string>> | Record<string, string>,
][] = [
  [
    'another issuer is trusted',
    700211,
    ({ control }) => {
      control.setFederatedCredential({ issuer: `https://login.microsoftonline.com/${NOWHERE}/v2.0` });
      return {};
    },
  ],
  [
    'another audience is trusted',
    700212,
    ({ control }) => {
      control.setFederatedCredential({ audience: 'api://AzureADTokenExchangeUSGov' });
      return {};
    },
  ],
  [
    'the client ID is trusted in place of the principal ID',
    700213,
    ({ control }) => {
      control.setFederatedCredential({ subject: CLIENT_ID });
      return {};
    },
  ],
  [
    'the token is for the exchange of another cloud',
    700212,
    async (simulator) => ({
      client_assertion: await assertionOf(simulator, 'api://AzureADTokenExchangeUSGov'),
    }),
  ],
  [
    'the token is for an API',
    700211,
    async (simulator) => ({ client_assertion: await assertionOf(simulator, 'https://graph.microsoft.com') }),
  ],
  [
    'the token has ended',
    700024,
    (simulator) => {
      simulator.control.setIdentity({ lifetimeSeconds: 0 });
      return {};
    },
  ],
  [
    'somebody else signed the token',
    700027,
    () => {
      const subject = { aud: EXCHANGE_AUDIENCE, iss: '', appid: '', oid: '', tid: '', roles: [], ver: '2.0' };
      return {
        client_assertion: createTokens().issue({ ...subject, ver: '2.0' }, 60, Date.now()).accessToken,
      };
    },
  ],
  ['the app is another one', 700016, () => ({ client_id: NOWHERE })],
];

test.for(wrongExchanges)('No token where %s: AADSTS%i', async ([, code, exchange]) => {
  const simulator = await startTenants([{}]);
  const changes = await exchange(simulator);
  const { status, body } = await requestTenantToken(simulator, customerId(simulator), changes);
  expect(body).toMatchObject({ error_codes: [code] });
  expect(status).toBe(code === 700016 ? 400 : 401);
  simulator.control.reset();
  expect((await requestTenantToken(simulator, customerId(simulator))).status).toBe(200);
});

test.for([
  [{ grant_type: 'password' }, 70003],
  [{ client_assertion: undefined }, 900144],
  [{ client_assertion_type: 'urn:other' }, 900144],
  [{ scope: 'https://api.securitycenter.microsoft.com' }, 1002012],
] as const)('A form that makes no sense is refused: %o', async ([changes, code]) => {
  const simulator = await startTenants([{}]);
  expect(await requestTenantToken(simulator, customerId(simulator), changes)).toMatchObject({
    status: 400,
    body: { error_codes: [code] },
  });
});

test('Consent that is revoked leaves the tokens that the app has, and gives no more', async () => {
  const simulator = await startTenants([{}]);
  const tenantId = customerId(simulator);
  const tenant = simulator.control.tenant(tenantId);
  const token = await tenantToken(simulator, tenantId);
  tenant?.setSignIn('no-consent');
  const response = await fetch(`${simulator.apiUrl}/api/machines?$top=1`, {
    headers: { Authorization: `Bearer ${token}` },
  });
  expect(response.status).toBe(200);
  expect((await requestTenantToken(simulator, tenantId)).status).toBe(400);
});

test('Instance discovery has to be off: the library asks Microsoft about a host that it does not know', async () => {
  const simulator = await startTenants([{}]);
  const authorityHost = simulator.authorityHost ?? '';
  const others: string[] = [];
  const offline: PipelinePolicy = {
    name: 'offline',
    sendRequest(request, next) {
      if (!request.url.startsWith(authorityHost)) {
        others.push(new URL(request.url).host);
        throw new Error('Nobody answers for Microsoft here.');
      }
      return next(request);
    },
  };
  const getToken = (disableInstanceDiscovery: boolean) =>
    new ClientAssertionCredential(customerId(simulator), simulator.appId, () => assertionOf(simulator), {
      authorityHost,
      disableInstanceDiscovery,
      additionalPolicies: [{ position: 'perCall', policy: offline }],
      retryOptions: { maxRetries: 0 },
    }).getToken('https://api.securitycenter.microsoft.com/.default');
  await expect(getToken(false)).rejects.toThrow('endpoints_resolution_error');
  expect(others).toContain('login.microsoftonline.com');
  others.length = 0;
  await getToken(true);
  expect(others).toEqual([]);
});

test('A sign-in service needs a user-assigned identity', async () => {
  await expect(startForTest({ signInService: { certificate: '', key: '' } })).rejects.toThrow(
    /userAssignedClientId/,
  );
});
