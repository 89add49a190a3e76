import { ManagedIdentityCredential } from '@azure/identity';
import { expect, onTestFinished, test, vi } from 'vitest';
import { AUDIENCE, callApi, machinePath, requestToken, startForTest, tokenOf } from './simulatorFixture.ts';

const claimsOf = (token: string) =>
  JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString());

// One test for both, because the library keeps the first endpoint that it finds for the life of the process.
test('The real managed identity credential gets tokens that the API accepts, for either kind of identity', async () => {
  const simulator = await startForTest();
  onTestFinished(() => void vi.unstubAllEnvs());
  vi.stubEnv('IDENTITY_ENDPOINT', simulator.identityEndpoint);
  vi.stubEnv('IDENTITY_HEADER', simulator.identityHeader);
  const scope = `${AUDIENCE}/.default`;
  const systemAssigned = await new ManagedIdentityCredential().getToken(scope);
  expect(systemAssigned.expiresOnTimestamp).toBeGreaterThan(Date.now() + 3_500_000);
  const clientId = '6a1f0b52-3c55-4a7e-9a53-20c1d7a0f001';
  const userAssigned = await new ManagedIdentityCredential({ clientId }).getToken(scope);
  expect(claimsOf(userAssigned.token).appid).toBe(clientId);
  expect(claimsOf(systemAssigned.token).appid).not.toBe(clientId);
  for (const { token } of [systemAssigned, userAssigned]) {
    expect((await callApi(simulator, machinePath(simulator), { token })).status).toBe(200);
  }
});

test('The endpoint can have a port of its own', async () => {
  const simulator = await startForTest({ identityPort: 0 });
  expect(new URL(simulator.identityEndpoint).port).not.toBe(new URL(simulator.apiUrl).port);
  expect((await callApi(simulator, machinePath(simulator))).status).toBe(200);
});

test('The answer has the shape of App Service', async () => {
  const simulator = await startForTest({ now: () => 1_800_000_000_500 });
  const response = await requestToken(simulator);
  expect(response.status).toBe(200);
  expect(await response.json()).toEqual({
    access_token: expect.stringMatching(/^[\w-]+\.[\w-]+\.[\w-]+$/),
    expires_on: '1800003600',
    resource: AUDIENCE,
    token_type: 'Bearer',
    client_id: expect.stringMatching(/^[0-9a-f-]{36}$/),
  });
});

test('A token carries the roles granted when it was issued, and keeps them', async () => {
  const simulator = await startForTest();
  const before = await tokenOf(simulator);
  simulator.control.grantRoles(['Alert.Read.All']);
  simulator.control.revokeRoles(['Machine.Read.All']);
  const after = await tokenOf(simulator);
  expect(claimsOf(before).roles).toEqual(['Machine.Read.All']);
  expect(claimsOf(after).roles).toEqual(['Alert.Read.All']);
  expect((await callApi(simulator, machinePath(simulator), { token: before })).status).toBe(200);
  expect((await callApi(simulator, machinePath(simulator), { token: after })).status).toBe(403);
  expect(simulator.control.issuedTokens()).toEqual([before, after]);
});

test('A wrong header, a wrong version and a missing resource are refused', async () => {
  const simulator = await startForTest();
  expect((await requestToken(simulator, {}, 'wrong')).status).toBe(401);
  expect((await requestToken(simulator, { 'api-version': '2017-09-01' })).status).toBe(400);
  expect((await requestToken(simulator, { resource: '' })).status).toBe(400);
  expect(simulator.control.report().tokensIssued).toBe(0);
});

test('The endpoint can be down, slow, or issue tokens for another audience', async () => {
  const simulator = await startForTest();
  simulator.control.setIdentity({ mode: 'outage' });
  expect((await requestToken(simulator)).status).toBe(500);
  simulator.control.setIdentity({ mode: 'wrong-audience' });
  const response = await callApi(simulator, machinePath(simulator));
  expect(response.status).toBe(403);
  simulator.control.setIdentity({ mode: 'normal', delayMs: 60_000 });
  const parameters = new URLSearchParams({ resource: AUDIENCE, 'api-version': '2019-08-01' });
  await expect(
    fetch(`${simulator.identityEndpoint}?${parameters}`, { signal: AbortSignal.timeout(50) }),
  ).rejects.toThrow('timeout');
  simulator.control.reset();
  expect((await requestToken(simulator)).status).toBe(200);
});

test('Only tokens for the Defender API carry its roles', async () => {
  const simulator = await startForTest();
  const response = await requestToken(simulator, { resource: 'https://storage.azure.com' });
  const { access_token: token } = (await response.json()) as { access_token: string };
  expect(claimsOf(token)).toMatchObject({ aud: 'https://storage.azure.com', roles: [] });
  expect(claimsOf(await tokenOf(simulator)).roles).toEqual(['Machine.Read.All']);
});

test('Where the only identity is user-assigned, no other gets a token', async () => {
  const clientId = '6a1f0b52-3c55-4a7e-9a53-20c1d7a0f001';
  const simulator = await startForTest({ userAssignedClientId: clientId });
  const statusFor = async (query: Record<string, string>) => (await requestToken(simulator, query)).status;
  expect(await statusFor({ client_id: clientId })).toBe(200);
  expect(await statusFor({ client_id: '6a1f0b52-3c55-4a7e-9a53-20c1d7a0f002' })).toBe(400);
  expect(await statusFor({})).toBe(400);
});
