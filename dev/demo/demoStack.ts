import { settingsCatalogue } from '#shared/config/settings.ts';
import { appSettings } from '../stack/appSettings.ts';
import { startAzurite } from '../stack/azurite.ts';
import { type HostProcess, startHostProcess } from '../stack/hostProcess.ts';
import { type SimulatorProcess, startSimulatorProcess } from '../stack/simulatorProcess.ts';

/** Settings that make an unknown alert final within seconds instead of a quarter of an hour. */
export const SHORT_DELAYS = { NOT_FOUND_RETRIES: '1s,2s,4s', RETRY_BASE_DELAY: '1s' };

/** Everything that the demo runs, each in a process of its own. */
export interface DemoStack {
  /** The settings by which the app finds storage and simulator. */
  settings: Record<string, string>;
  simulator: SimulatorProcess;
  host: HostProcess;
  /** Ends everything; the host first, which finishes what it has in hand. */
  stop(): Promise<void>;
}

/**
 * @param alerts How many alerts the simulator knows.
 * @param onHostLine Hears each line that the host prints.
 */
export async function startDemoStack(alerts: number, onHostLine: (line: string) => void): Promise<DemoStack> {
  const [azurite, simulator] = await Promise.all([
    startAzurite(),
    // A call takes a moment, as it does in the real service.
    startSimulatorProcess(['--alerts', String(alerts), '--latency', '50ms..250ms']),
  ]);
  const settings = {
    AZURE_FUNCTIONS_ENVIRONMENT: 'Development',
    ...SHORT_DELAYS,
    ...appSettings(azurite, simulator),
  };
  const host = await startHostProcess({ settings: { ...NOTHING_SET, ...settings }, onLine: onHostLine });
  return {
    settings,
    simulator,
    host,
    async stop() {
      await host.stop();
      await Promise.all([simulator.stop(), azurite.stop()]);
    },
  };
}

/** Keeps a local.settings.json, which the host reads, from steering the demo elsewhere. */
const NOTHING_SET: Record<string, string> = Object.fromEntries(
  [...settingsCatalogue.keys()].flatMap((name) => [
    [name, ''],
    [`AzureWebJobs${name}`, ''],
  ]),
);
