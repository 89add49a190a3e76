import { QueueServiceClient } from '@azure/storage-queue';
import type { SimulatorOptions } from '../simulator/options.ts';
import { type RunningSimulator, startSimulator } from '../simulator/simulator.ts';
import { appSettings } from './appSettings.ts';
import { type Azurite, type AzuriteOptions, startAzurite } from './azurite.ts';
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
 */
export async function startStack(
  options: { simulator?: SimulatorOptions; settings?: Record<string, string>; azurite?: AzuriteOptions } = {},
): Promise<Stack> {
  const [azurite, simulator] = await Promise.all([
    startAzurite(options.azurite),
    startSimulator(options.simulator),
  ]);
  return stackOf({
    azurite,
    simulator,
    settings: { ...appSettings(azurite, simulator), ...options.settings },
  });
}

/** What starts hosts on a storage emulator and a simulator that listen already. */
export function stackOf({
  azurite,
  simulator,
  settings,
}: Pick<Stack, 'azurite' | 'simulator' | 'settings'>): Stack {
  const hosts: HostProcess[] = [];
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
