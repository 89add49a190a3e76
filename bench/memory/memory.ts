import { fileURLToPath } from 'node:url';
import { startSimulator } from '#dev/simulator/simulator.ts';
import { appSettings } from '#dev/stack/appSettings.ts';
import { startProgram } from '#dev/stack/program.ts';
import { withPackagedApp } from '../support/packagedApp.ts';
import { startStandInStorage } from '../support/standInStorage.ts';
import { type Sample, sampleIn } from './sample.ts';

export interface MemoryPlan {
  alerts: number;
  /** A sample each time so many alerts are done; they must divide `alerts`. */
  sampleEvery: number;
  /** Samples up to this alert count as warm-up. */
  warmUp: number;
}

export const plan: MemoryPlan = { alerts: 50_000, sampleEvery: 500, warmUp: 30_000 };

export interface MemoryResult {
  plan: MemoryPlan;
  samples: Sample[];
  elapsedMs: number;
}

const PROGRAM = fileURLToPath(new URL('./program.ts', import.meta.url));
const QUEUE = 'alerts';
const STATE_TABLE = 'State';

/**
 * Takes all alerts through one process of the app and watches how large that is. Azurite would take several times as
 * long for so many: a stand-in answers in its place.
 */
export function measureMemory(plan: MemoryPlan, onProgress: (text: string) => void): Promise<MemoryResult> {
  return withPackagedApp(async (appRoot) => {
    const simulator = await startSimulator({
      alerts: plan.alerts,
      limits: [{ calls: 1_000_000, windowMs: 1_000 }],
    });
    const storage = await startStandInStorage({
      input: { queue: QUEUE, messages: simulator.control.alertIds(plan.alerts) },
      keptTable: STATE_TABLE,
    });
    const samples: Sample[] = [];
    const startedAt = performance.now();
    try {
      const { ended } = await startProgram({
        name: 'The watched program',
        path: PROGRAM,
        arguments: [appRoot, String(plan.alerts), String(plan.sampleEvery)],
        environment: {
          ...(process.env as Record<string, string>),
          ...appSettings(storage, simulator),
          ALERTS_QUEUE: QUEUE,
          STATE_TABLE,
          DEFENDER_RATE_LIMITS: '50000/10s',
          AZURE_FUNCTIONS_ENVIRONMENT: 'Development',
          BULK_LOOKUPS: 'off',
          NODE_OPTIONS: '--expose-gc',
        },
        readyFrom: sampleIn,
        onLine(line) {
          const sample = sampleIn(line);
          if (sample === undefined) {
            return;
          }
          samples.push(sample);
          onProgress(`${sample.alerts}/${plan.alerts}`);
        },
      });
      await ended;
    } finally {
      await simulator.close();
      await storage.close();
    }
    if (samples.at(-1)?.alerts !== plan.alerts) {
      throw new Error(
        `The watched program ended after ${samples.at(-1)?.alerts ?? 0} of ${plan.alerts} alerts.`,
      );
    }
    return { plan, samples, elapsedMs: performance.now() - startedAt };
  });
}
