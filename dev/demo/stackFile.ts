import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as z from 'zod';
import { parseJson } from '#shared/text.ts';

/** Where a running demo says how to reach it, unless it is told otherwise. */
export const DEFAULT_STACK_FILE = fileURLToPath(new URL('../../.local/stack.json', import.meta.url));

const stackSchema = z.object({
  /** Process that runs the demo. */
  pid: z.int().positive(),
  /** The settings by which the app, or anyone else, finds storage and simulator. */
  settings: z.record(z.string(), z.string()),
  simulatorUrl: z.string(),
  hostUrl: z.string(),
});

/** How to reach a running demo. */
export type RunningStack = z.infer<typeof stackSchema>;

/** What the file says. */
export type StackReading =
  | { kind: 'running'; stack: RunningStack }
  /** A demo left it behind when it was killed, or something else damaged it. */
  | { kind: 'stale' }
  | { kind: 'none' };

/** @param isRunning Whether there is a process with this ID. */
export function readStackFile(path: string, isRunning = processExists): StackReading {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch {
    return { kind: 'none' };
  }
  const stack = stackSchema.safeParse(parseJson(text)).data;
  return stack !== undefined && isRunning(stack.pid) ? { kind: 'running', stack } : { kind: 'stale' };
}

export function writeStackFile(path: string, stack: RunningStack): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, `${JSON.stringify(stack, null, 2)}\n`);
}

export function removeStackFile(path: string): void {
  rmSync(path, { force: true });
}

function processExists(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
