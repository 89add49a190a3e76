/** Where a simulator is. */
interface Simulator {
  apiUrl: string;
  identityEndpoint: string;
  identityHeader: string;
}

/** The settings by which the app finds a storage emulator and a Defender simulator on this machine. */
export function appSettings(
  storage: { connectionString: string },
  simulator: Simulator,
): Record<string, string> {
  return { AlertsStorage: storage.connectionString, ...simulatorSettings(simulator) };
}

/** The same for an app that signs in to both with one user-assigned managed identity, as in Azure. */
export function identitySettings(
  storage: { serviceUris: { queue: string; table: string } },
  simulator: Simulator,
  clientId: string,
): Record<string, string> {
  return {
    AlertsStorage__queueServiceUri: storage.serviceUris.queue,
    AlertsStorage__tableServiceUri: storage.serviceUris.table,
    AlertsStorage__credential: 'managedidentity',
    AlertsStorage__clientId: clientId,
    AZURE_CLIENT_ID: clientId,
    ...simulatorSettings(simulator),
  };
}

/**
 * What an app needs besides to sign in to several tenants with one user-assigned managed identity.
 * @param authorityFile Certificate of the authority behind the sign-in service.
 */
export function tenantSettings(
  simulator: { appId: string; authorityHost?: string | undefined },
  clientId: string,
  authorityFile: string,
): Record<string, string> {
  return {
    AZURE_CLIENT_ID: clientId,
    DEFENDER_APP_ID: simulator.appId,
    AZURE_AUTHORITY_HOST: simulator.authorityHost ?? '',
    NODE_EXTRA_CA_CERTS: authorityFile,
  };
}

function simulatorSettings({ apiUrl, identityEndpoint, identityHeader }: Simulator): Record<string, string> {
  return {
    DEFENDER_API_URL: apiUrl,
    GRAPH_API_URL: apiUrl,
    IDENTITY_ENDPOINT: identityEndpoint,
    IDENTITY_HEADER: identityHeader,
  };
}
