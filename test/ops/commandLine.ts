import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const PROGRAM = fileURLToPath(new URL('../../ops/main.ts', import.meta.url));

/** How one run of the command line ended. */
export interface OpsRun {
  exitCode: number | null;
  /** What it printed. */
  output: string;
  /** What it printed to standard error. */
  errors: string;
}

/** A run that is under way. */
export interface RunningOps {
  process: ChildProcess;
  ended: Promise<OpsRun>;
}

/** Starts the command line with these settings alone, in a folder without local.settings.json unless another is named. */
export function startOps(
  settings: Record<string, string>,
  commandLine: readonly string[],
  folder = import.meta.dirname,
): RunningOps {
  const { PATH = '', HOME = '', NODE_COMPILE_CACHE = '' } = process.env;
  const child = spawn(process.execPath, [PROGRAM, ...commandLine], {
    cwd: folder,
    env: { PATH, HOME, NODE_COMPILE_CACHE, NODE_DISABLE_COLORS: '1', ...settings },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const run: OpsRun = { exitCode: null, output: '', errors: '' };
  child.stdout.on('data', (chunk) => {
    run.output += chunk;
  });
  child.stderr.on('data', (chunk) => {
    run.errors += chunk;
  });
  const ended = new Promise<OpsRun>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (exitCode) => resolve({ ...run, exitCode }));
  });
  return { process: child, ended };
}

export function runOps(settings: Record<string, string>, ...commandLine: string[]): Promise<OpsRun> {
  return startOps(settings, commandLine).ended;
}
