import { randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SimulatorOptions } from '../simulator/options.ts';
import { startSimulator } from '../simulator/simulator.ts';
import { identitySettings } from './appSettings.ts';
import { startAzurite } from './azurite.ts';
import { createCertificateAuthority } from './certificateAuthority.ts';
import { type Stack, stackOf } from './stack.ts';

/** A stack whose apps sign in as in Azure: with one user-assigned managed identity, without a key. */
export interface IdentityStack extends Stack {
  /**
   * Certificate (PEM) of the authority behind its storage. The settings make apps trust it; its own clients
   * (`queues`) need `tls.setDefaultCACertificates`.
   */
  readonly authority: string;
}

const LOOPBACK = '127.0.0.1';

/** @param options.settings Further settings of the app, for every host. */
export async function startIdentityStack(
  options: { simulator?: SimulatorOptions; settings?: Record<string, string> } = {},
): Promise<IdentityStack> {
  const folder = await mkdtemp(join(tmpdir(), 'identity-stack-'));
  const write = async (name: string, content: string) => {
    const path = join(folder, name);
    await writeFile(path, content, { mode: 0o600 });
    return path;
  };
  const authority = await createCertificateAuthority();
  const { certificate, key } = await authority.issue(LOOPBACK);
  const [authorityFile, certificateFile, keyFile] = await Promise.all([
    write('authority.pem', authority.certificate),
    write('certificate.pem', certificate),
    write('key.pem', key),
  ]);
  const clientId = randomUUID();
  const [azurite, simulator] = await Promise.all([
    startAzurite({ https: { certificateFile, keyFile } }),
    startSimulator({ ...options.simulator, userAssignedClientId: clientId }),
  ]);
  const stack = stackOf({
    azurite,
    simulator,
    settings: {
      ...identitySettings(azurite, simulator, clientId),
      NODE_EXTRA_CA_CERTS: authorityFile,
      ...options.settings,
    },
  });
  return {
    ...stack,
    authority: authority.certificate,
    async stop() {
      await stack.stop();
      await rm(folder, { recursive: true });
    },
  };
}
