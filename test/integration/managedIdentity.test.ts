import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { type RunningSimulator, startSimulator } from '#dev/simulator/simulator.ts';
import { createAccessTokens, tokenRequester } from '#shared/sources/accessToken.ts';
import { AUDIENCE, callApi, machinePath } from '#test/dev/simulator/simulatorFixture.ts';

// The library of the identity keeps its cache and its endpoint per process, so these tests have one of their own.
describe('the managed identity', () => {
  // The library looks for the identity endpoint once a process and keeps its tokens there: the tests share one
  // simulator, and each has an identity of its own.
  let simulator: RunningSimulator;

  beforeAll(async () => {
    simulator = await startSimulator({ machines: 1, alerts: 1 });
    vi.stubEnv('IDENTITY_ENDPOINT', simulator.identityEndpoint);
    vi.stubEnv('IDENTITY_HEADER', simulator.identityHeader);
  });

  afterAll(async () => {
    vi.unstubAllEnvs();
    await simulator.close();
  });

  beforeEach(() => simulator.control.reset());

  function tokensOf(clientId: string | undefined) {
    return createAccessTokens(tokenRequester(`${AUDIENCE}/.default`, clientId, true), Date.now);
  }

  async function statusWith(token: string): Promise<number> {
    return (await callApi(simulator, machinePath(simulator), { token })).status;
  }

  test('gets a token that the API accepts, with one request for many', async () => {
    const clientId = '11111111-0000-4000-8000-000000000001';
    const tokens = tokensOf(clientId);
    const before = simulator.control.issuedTokens().length;
    const wanted = await Promise.all(Array.from({ length: 20 }, () => tokens.get()));
    expect(new Set(wanted)).toEqual(new Set(simulator.control.issuedTokens().slice(before)));
    expect(simulator.control.issuedTokens()).toHaveLength(before + 1);
    expect(await statusWith(wanted[0] ?? '')).toBe(200);
    expect(simulator.control.calls()[0]?.appId).toBe(clientId);
  });

  test('gets a token with the roles of now when it is renewed, although the old one still lives', async () => {
    simulator.control.revokeRoles(['Machine.Read.All']);
    const tokens = tokensOf('11111111-0000-4000-8000-000000000002');
    expect(await statusWith(await tokens.get())).toBe(403);
    simulator.control.grantRoles(['Machine.Read.All']);
    expect(await statusWith(await tokens.get())).toBe(403);
    expect(await statusWith(await tokens.renew())).toBe(200);
    expect(await statusWith(await tokens.get())).toBe(200);
  });

  test('can be the system-assigned one', async () => {
    const tokens = tokensOf(undefined);
    const before = simulator.control.issuedTokens().length;
    expect(await statusWith(await tokens.get())).toBe(200);
    expect(await statusWith(await tokens.renew())).toBe(200);
    expect(simulator.control.issuedTokens()).toHaveLength(before + 2);
  });
});
