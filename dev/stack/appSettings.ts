/** The settings by which the app finds a storage emulator and a Defender simulator on this machine. */
export function appSettings(
  storage: { connectionString: string },
  simulator: { apiUrl: string; identityEndpoint: string; identityHeader: string },
): Record<string, string> {
  return {
    AlertsStorage: storage.connectionString,
    DEFENDER_API_URL: simulator.apiUrl,
    IDENTITY_ENDPOINT: simulator.identityEndpoint,
    IDENTITY_HEADER: simulator.identityHeader,
  };
}
