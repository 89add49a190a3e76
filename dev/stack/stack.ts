import { QueueServiceClient } from '@azure/storage-queue';
import type { SimulatorOptions } from '../simulator/options.ts';
import { type RunningSimulator, startSimulator } from '../simulator/simulator.ts';
import { type Azurite, startAzurite } from './azurite.ts';
import { type HostProcess, type HostProcessOptions, startHostProcess } from './hostProcess.ts';

/** Everything the app needs, on this machine: storage emulator and Defender simulator, and hosts on demand. */
export interface Stack {
  readonly azurite: Azurite;
  readonly simulator: RunningSimulator;
  readonly queues: QueueServiceClient;
  /** The settings by which the app finds both. */
  readonly settings: Record<string, string>;
  startHost(
    options?: Omit<HostProcessOptions, 'settings'> & { settings?: Record<string, string> },
  ): Promise<HostProcess>;
  /** Stops everything that was started through it. */
  stop(): Promise<void>;
}

/**
 * @param options.settings Further settings of the app, for every host.
 * @param options.onStorageRequest Hears of each request that the storage emulator answered.
 */
export async function startStack(
  options: {
    simulator?: SimulatorOptions;
    settings?: Record<string, string>;
    onStorageRequest?: (line: string) => void;
  } = {},
): Promise<Stack> {
  const [azurite, simulator] = await Promise.all([startAzurite(options.onStorageRequest), startSimulator(options.simulator)]);
  const hosts: HostProcess[] = [];
  const settings = {
    AlertsStorage: azurite.connectionString,
    DEFENDER_API_URL: simulator.apiUrl,
    IDENTITY_ENDPOINT: simulator.identityEndpoint,
    IDENTITY_HEADER: simulator.identityHeader,
    ...options.settings,
  };
  return {
    azurite,
    simulator,
    queues: QueueServiceClient.fromConnectionString(azurite.connectionString),
    settings,
    async startHost(hostOptions = {}) {
      const host = await startHostProcess({
        ...hostOptions,
        settings: { ...settings, ...hostOptions.settings },
      });
      hosts.push(host);
      return host;
    },
    async stop() {
      await Promise.all(hosts.map((host) => host.kill()));
      await simulator.close();
      await azurite.stop();
    },
  };
}
