import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { startStack } from '#dev/stack/stack.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
/** The tests start hundreds of programs; half of the time that each needs for its start went into compiling the same modules. */
const COMPILE_CACHE = `${ROOT}node_modules/.cache/compiled`;

/** Builds the app once, so that every test of the local host loads what Azure would load. */
export default async function setup(): Promise<void> {
  execFileSync(process.execPath, ['--run', 'build'], { cwd: ROOT, stdio: 'inherit' });
  const isEmpty = !existsSync(COMPILE_CACHE);
  process.env.NODE_COMPILE_CACHE = COMPILE_CACHE;
  if (isEmpty) {
    await fillCompileCache();
  }
}

/** Node.js writes what it has compiled when a process ends by itself; those of most tests are killed. */
async function fillCompileCache(): Promise<void> {
  const stack = await startStack();
  const host = await stack.startHost();
  await host.stop();
  await stack.azurite.restart();
  await stack.stop();
}
