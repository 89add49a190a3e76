import { fileURLToPath } from 'node:url';
import * as z from 'zod';
import { startProgram } from './program.ts';

const SIMULATOR_PROGRAM = fileURLToPath(new URL('../simulator/main.ts', import.meta.url));

const addressesSchema = z.object({
  /** For `DEFENDER_API_URL`. */
  apiUrl: z.string(),
  /** For `IDENTITY_ENDPOINT`. */
  identityEndpoint: z.string(),
  /** For `IDENTITY_HEADER`. */
  identityHeader: z.string(),
  /** Where its controls are. */
  controlUrl: z.string(),
});

/** A Defender simulator in a process of its own. */
export interface SimulatorProcess extends z.infer<typeof addressesSchema> {
  stop(): Promise<void>;
}

/**
 * @param commandLine Its options, such as `--alerts 500`.
 * @throws Error with the simulator's own output when it ends before it is ready.
 */
export async function startSimulatorProcess(commandLine: readonly string[]): Promise<SimulatorProcess> {
  const { ready, end } = await startProgram({
    name: 'The Defender simulator',
    path: SIMULATOR_PROGRAM,
    arguments: commandLine,
    readyFrom: (line) => (line.startsWith('{') ? addressesSchema.parse(JSON.parse(line)) : undefined),
  });
  return { ...ready, stop: () => end('SIGTERM') };
}
