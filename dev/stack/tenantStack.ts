import { randomUUID } from 'node:crypto';
import { TableClient } from '@azure/data-tables';
import type { SimulatorOptions } from '../simulator/options.ts';
import { startSimulator } from '../simulator/simulator.ts';
import type { TenantOptions } from '../simulator/tenant.ts';
import { appSettings, tenantSettings } from './appSettings.ts';
import { type Azurite, type AzuriteOptions, startAzurite } from './azurite.ts';
import { createServerCertificate } from './certificates.ts';
import { type Stack, stackOf } from './stack.ts';

const TENANTS_TABLE = 'Tenants';

/** A stack whose apps serve several tenants: one app registration that trusts one user-assigned managed identity. */
export interface TenantStack extends Stack {
  /** Certificate (PEM) of the authority behind the sign-in service, for apps in this process. */
  readonly authority: string;
  /** The table that `TENANTS_TABLE` names when it is not set. It has a row for each customer at the start. */
  readonly tenantsTable: TableClient;
}

/**
 * @param options.tenants The tenants besides the home tenant.
 * @param options.settings Further settings of the app, for every host.
 */
export async function startTenantStack(options: {
  tenants: readonly TenantOptions[];
  simulator?: SimulatorOptions;
  settings?: Record<string, string>;
  azurite?: AzuriteOptions;
}): Promise<TenantStack> {
  const server = await createServerCertificate();
  const clientId = randomUUID();
  const [azurite, simulator] = await Promise.all([
    startAzurite(options.azurite),
    startSimulator({
      ...options.simulator,
      tenants: options.tenants,
      userAssignedClientId: clientId,
      signInService: server,
    }),
  ]);
  const stack = stackOf({
    azurite,
    simulator,
    settings: {
      ...appSettings(azurite, simulator),
      ...tenantSettings(simulator, clientId, server.authorityFile),
      ...options.settings,
    },
  });
  const tenantsTable = await createTenantsTable(azurite, simulator.control.tenants.slice(1));
  return {
    ...stack,
    authority: server.authority,
    tenantsTable,
    async stop() {
      await stack.stop();
      await server.remove();
    },
  };
}

/** Creates the table of tenants with a row for each of these, which all may be served. */
async function createTenantsTable(
  { connectionString }: Pick<Azurite, 'connectionString'>,
  tenants: readonly { tenantId: string; name: string }[],
): Promise<TableClient> {
  const table = TableClient.fromConnectionString(connectionString, TENANTS_TABLE, {
    allowInsecureConnection: true,
  });
  await table.createTable();
  for (const { tenantId, name } of tenants) {
    await table.upsertEntity({ partitionKey: 'tenant', rowKey: tenantId, name, enabled: true });
  }
  return table;
}
