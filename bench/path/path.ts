import { fileURLToPath } from 'node:url';
import got from 'got';
import { appSettings } from '#dev/stack/appSettings.ts';
import { type Azurite, startAzurite } from '#dev/stack/azurite.ts';
import { startProgram } from '#dev/stack/program.ts';
import { type SimulatorProcess, startSimulatorProcess } from '#dev/stack/simulatorProcess.ts';
import { withPackagedApp } from '../support/packagedApp.ts';
import { costIn } from './measured.ts';
import type { Cost, MeterPlan } from './meter.ts';
import { namesOfRun } from './names.ts';
import { createOperationCount } from './operations.ts';
import { createRunStorage } from './runStorage.ts';

export interface PathPlan extends MeterPlan {
  /** Runs that count, of each of the two. */
  rounds: number;
}

export const plan: PathPlan = { warmUp: 700, measured: 1_500, rounds: 2 };

/** One run; the operations are those of its warm-up too. */
export type PathRun = Cost & { storageOperationsPerAlert: number };

/** What was measured in turn on the same storage and simulator: the floor, and after it the app. */
export interface PathResult {
  floor: PathRun[];
  app: PathRun[];
}

/** More than are in flight at a time, so that the last one measured still has others beside it. */
const BEYOND = 100;
/**
 * No limit in effect. Its window is short, so that the ledger remembers about as many calls as it does under the real
 * limits, and not so short that usual answers count as late.
 */
const NO_LIMIT = '50000/10s';
const APP_PROGRAM = fileURLToPath(new URL('./appProgram.ts', import.meta.url));
const FLOOR_PROGRAM = fileURLToPath(new URL('./floorProgram.ts', import.meta.url));

export function measurePath(plan: PathPlan, onProgress: (text: string) => void): Promise<PathResult> {
  return withPackagedApp(async (appRoot) => {
    const operations = createOperationCount();
    const alertsPerRun = plan.warmUp + plan.measured + BEYOND;
    const [azurite, simulator] = await Promise.all([
      startAzurite({ onRequest: operations.hear }),
      startSimulatorProcess(['--alerts', String(alertsPerRun), '--limits', '1000000/1s']),
    ]);
    try {
      const storage = createRunStorage(azurite.connectionString);
      const { alertIds } = await got(`${simulator.controlUrl}/alerts`).json<{ alertIds: string[] }>();

      async function measure(run: number, path: string, ...parameters: (string | number)[]) {
        onProgress(`run ${run} of ${2 * plan.rounds}`);
        await storage.prepare(run, alertIds);
        operations.take();
        const cost = await runProgram(run, { azurite, simulator }, path, [
          appRoot,
          ...parameters,
          plan.warmUp,
          plan.measured,
        ]);
        const { all, ledgerReads, ledgerWrites } = operations.take();
        const alerts = plan.warmUp + plan.measured;
        const ledgerShare = [ledgerReads / alerts, ledgerWrites / alerts];
        return { measured: { ...cost, storageOperationsPerAlert: all / alerts }, ledgerShare };
      }

      // Its first run does not count; what the app writes there, the floor writes too.
      let { ledgerShare } = await measure(0, APP_PROGRAM);
      const result: PathResult = { floor: [], app: [] };
      for (let run = 1; run <= 2 * plan.rounds; run += 2) {
        const floor = await measure(run, FLOOR_PROGRAM, 0, run, ...ledgerShare);
        result.floor.push(floor.measured);
        await storage.remove(run);
        const app = await measure(run + 1, APP_PROGRAM);
        result.app.push(app.measured);
        ledgerShare = app.ledgerShare;
        await storage.remove(run + 1);
      }
      return result;
    } finally {
      await simulator.stop();
      await azurite.stop();
    }
  });
}

/** Runs a program that measures itself, until it has ended. */
async function runProgram(
  run: number,
  { azurite, simulator }: { azurite: Azurite; simulator: SimulatorProcess },
  path: string,
  parameters: readonly (string | number)[],
): Promise<Cost> {
  const { ready, ended } = await startProgram({
    name: 'The measured program',
    path,
    arguments: parameters.map(String),
    environment: {
      ...(process.env as Record<string, string>),
      ...appSettings(azurite, simulator),
      ...namesOfRun(run),
      DEFENDER_RATE_LIMITS: NO_LIMIT,
      AZURE_FUNCTIONS_ENVIRONMENT: 'Development',
      BULK_LOOKUPS: 'off',
    },
    readyFrom: costIn,
  });
  await ended;
  return ready;
}
