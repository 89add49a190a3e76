import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as z from 'zod';
import { parseJson } from '#shared/text.ts';

/** Where a running demo says how to reach it, unless it is told otherwise. */
export const DEFAULT_STACK_FILE = fileURLToPath(new URL('../../.local/stack.json', import.meta.url));

const stackSchema = z.object({
  /** Process that runs the demo. */
  pid: z.int().positive(),
  /** Where its HTTP functions are. */
  hostUrl: z.string(),
  /** The settings by which the app, or anyone else, finds storage and simulator. */
  settings: z.record(z.string(), z.string()),
});

/** How to reach a running demo. */
export type RunningStack = z.infer<typeof stackSchema>;

/** The demo that runs; undefined where there is no file, or one that a demo left behind as it was killed. */
export function readStackFile(path: string): RunningStack | undefined {
  const text = existsSync(path) ? readFileSync(path, 'utf8') : undefined;
  const stack = stackSchema.safeParse(parseJson(text)).data;
  return stack !== undefined && isRunning(stack.pid) ? stack : undefined;
}

export function writeStackFile(path: string, stack: RunningStack): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, `${JSON.stringify(stack, null, 2)}\n`);
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
