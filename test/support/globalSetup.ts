import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** Builds the app once, so that every test of the local host loads what Azure would load. */
export default function setup(): void {
  const root = fileURLToPath(new URL('../../', import.meta.url));
  execFileSync(process.execPath, ['--run', 'build'], { cwd: root, stdio: 'inherit' });
}
