import { randomUUID } from 'node:crypto';
import type { SimulatorOptions } from '../simulator/options.ts';
import { startSimulator } from '../simulator/simulator.ts';
import { identitySettings } from './appSettings.ts';
import { startAzurite } from './azurite.ts';
import { createServerCertificate } from './certificates.ts';
import { type Stack, stackOf } from './stack.ts';

/** A stack whose apps sign in as in Azure: with one user-assigned managed identity, without a key. */
export interface IdentityStack extends Stack {
  /**
   * Certificate (PEM) of the authority behind its storage. The settings make apps trust it; its own clients
   * (`queues`) need `tls.setDefaultCACertificates`.
   */
  readonly authority: string;
}

/** @param options.settings Further settings of the app, for every host. */
export async function startIdentityStack(
  options: { simulator?: SimulatorOptions; settings?: Record<string, string> } = {},
): Promise<IdentityStack> {
  const server = await createServerCertificate();
  const clientId = randomUUID();
  const [azurite, simulator] = await Promise.all([
    startAzurite({ https: server }),
    startSimulator({ ...options.simulator, userAssignedClientId: clientId }),
  ]);
  const stack = stackOf({
    azurite,
    simulator,
    settings: {
      ...identitySettings(azurite, simulator, clientId),
      NODE_EXTRA_CA_CERTS: server.authorityFile,
      ...options.settings,
    },
  });
  return {
    ...stack,
    authority: server.authority,
    async stop() {
      await stack.stop();
      await server.remove();
    },
  };
}
