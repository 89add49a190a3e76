import { cpSync, mkdtempSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const projectRoot = fileURLToPath(new URL('../../', import.meta.url));

/**
 * A folder with the built app as it is, but for one difference: its host.json makes the host look and redeliver at
 * once, where in production it leaves seconds between. host.json is the one place where the host finds these times.
 */
export function createQuickAppRoot(): string {
  const path = mkdtempSync(join(tmpdir(), 'enrichment-app-'));
  // A copy of its own: a build that runs at the same time must not pull the app from under a host that starts.
  cpSync(join(projectRoot, 'dist'), join(path, 'dist'), { recursive: true });
  symlinkSync(join(projectRoot, 'node_modules'), join(path, 'node_modules'), 'junction');
  cpSync(join(projectRoot, 'package.json'), join(path, 'package.json'));
  makeQuick(path);
  return path;
}

/** The same for the app as it is deployed. */
export async function createQuickPackage(): Promise<string> {
  // The bundler is loaded where it is needed: most tests run the build.
  const { packageFiles } = await import('#dev/package/packageFiles.ts');
  const { writePackage } = await import('#dev/package/writePackage.ts');
  const parent = mkdtempSync(join(tmpdir(), 'enrichment-package-'));
  const path = join(parent, 'app');
  await writePackage(await packageFiles(), path);
  makeQuick(path);
  return path;
}

function makeQuick(path: string): void {
  const hostJson = JSON.parse(readFileSync(join(projectRoot, 'host.json'), 'utf8'));
  Object.assign(hostJson.extensions.queues, {
    maxPollingInterval: '00:00:00.200',
    visibilityTimeout: '00:00:01',
  });
  writeFileSync(join(path, 'host.json'), JSON.stringify(hostJson));
}
