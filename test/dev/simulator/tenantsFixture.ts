import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { ClientAssertionCredential } from '@azure/identity';
import type { SimulatorOptions } from '#dev/simulator/options.ts';
import type { RunningSimulator } from '#dev/simulator/simulator.ts';
import type { TenantOptions } from '#dev/simulator/tenant.ts';
import { createCertificateAuthority } from '#dev/stack/certificates.ts';
import { AUDIENCE, startForTest, tokenOf } from './simulatorFixture.ts';

export const CLIENT_ID = '6a1f0b52-3c55-4a7e-9a53-20c1d7a0f001';
export const EXCHANGE_AUDIENCE = 'api://AzureADTokenExchange';

// One for the process: it cannot tell authorities of the same name apart.
const authority = await createCertificateAuthority();
setDefaultCACertificates([...getCACertificates(), authority.certificate]);

/** A simulator of the home tenant and these, whose sign-in service this process trusts. */
export async function startTenants(
  tenants: readonly TenantOptions[],
  options: SimulatorOptions = {},
): Promise<RunningSimulator> {
  return startForTest({
    userAssignedClientId: CLIENT_ID,
    tenants,
    signInService: await authority.issue('127.0.0.1'),
    ...options,
  });
}

/** The ID of a tenant besides the home tenant. */
export function customerId(simulator: RunningSimulator, index = 0): string {
  return simulator.control.tenants[index + 1]?.tenantId ?? '';
}

/** What the managed identity presents to the sign-in service. */
export function assertionOf(simulator: RunningSimulator, resource = EXCHANGE_AUDIENCE): Promise<string> {
  return tokenOf(simulator, { resource, client_id: CLIENT_ID });
}

/** The real credential, as the app uses it. */
export function credentialFor(simulator: RunningSimulator, tenantId: string, appId = simulator.appId) {
  return new ClientAssertionCredential(tenantId, appId, () => assertionOf(simulator), {
    authorityHost: simulator.authorityHost ?? '',
    disableInstanceDiscovery: true,
  });
}

export async function tenantToken(
  simulator: RunningSimulator,
  tenantId: string,
  audience = AUDIENCE,
): Promise<string> {
  return (await credentialFor(simulator, tenantId).getToken(`${audience}/.default`)).token;
}

/** One request to the token endpoint with these parts of the form changed; undefined leaves one out. */
export async function requestTenantToken(
  simulator: RunningSimulator,
  tenantId: string,
  changes: Record<string, string | undefined> = {},
): Promise<{ status: number; body: Record<string, unknown> }> {
  const form = {
    grant_type: 'client_credentials',
    client_id: simulator.appId,
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    client_assertion: await assertionOf(simulator),
    scope: `${AUDIENCE}/.default`,
    ...changes,
  };
  const parts = Object.entries(form).filter((entry): entry is [string, string] => entry[1] !== undefined);
  const response = await fetch(`${simulator.authorityHost}/${tenantId}/oauth2/v2.0/token`, {
    method: 'POST',
    body: new URLSearchParams(parts),
  });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}
