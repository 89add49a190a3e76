import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  globSync,
  mkdirSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import type { TestProject } from 'vitest/node';
import type { PackageFile } from '#dev/package/bundle.ts';
import { packageFiles } from '#dev/package/packageFiles.ts';
import { startStack } from '#dev/stack/stack.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Folder of the app as it is deployed, but for the times in its host.json (see `quickHostJson`). */
    appRoot: string;
  }
}

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const CACHE = join(ROOT, 'node_modules/.cache/tests');
/** A run that another one started in the meantime may still use what it found. */
const KEPT_MS = 3_600_000;

/**
 * Builds what the tests start hundreds of times. The app is the one that is deployed, and it and the local host are
 * bundled and compiled ahead, because a start would otherwise go into the reading of a thousand modules. All of it is
 * found again by its content, so that nothing is done twice and no run changes the files of another one.
 */
export default async function setup({ provide }: TestProject): Promise<void> {
  execFileSync(process.execPath, ['--run', 'build'], { cwd: ROOT, stdio: 'inherit' });
  const files = [...(await appFiles()), ...(await hostFiles())];
  const hash = createHash('sha256');
  for (const { name, content } of files) {
    hash.update(`${name} ${content.length}\n`).update(content);
  }
  const folder = join(CACHE, hash.digest('hex').slice(0, 16));
  writeOnce(files, folder);
  removeOthers(folder);
  provide('appRoot', join(folder, 'app'));
  process.env.LOCAL_HOST_PROGRAM = join(folder, 'host/main.js');
  process.env.NODE_COMPILE_CACHE = join(folder, 'compiled');
  if (!existsSync(process.env.NODE_COMPILE_CACHE)) {
    await fillCompileCache(join(folder, 'app'));
  }
}

async function appFiles(): Promise<PackageFile[]> {
  return (await packageFiles()).map(({ name, content }) => ({
    name: `app/${name}`,
    content: name === 'host.json' ? quickHostJson(content) : content,
  }));
}

/** Makes the host look and redeliver at once, where in production it leaves seconds between. */
function quickHostJson(content: Uint8Array): Uint8Array {
  const hostJson = JSON.parse(Buffer.from(content).toString());
  Object.assign(hostJson.extensions.queues, {
    maxPollingInterval: '00:00:00.200',
    visibilityTimeout: '00:00:01',
  });
  return Buffer.from(JSON.stringify(hostJson));
}

async function hostFiles(): Promise<PackageFile[]> {
  const { outputFiles } = await build({
    absWorkingDir: ROOT,
    entryPoints: ['dev/host/main.ts', 'dev/host/worker.ts'],
    outdir: 'host',
    write: false,
    bundle: true,
    format: 'esm',
    platform: 'node',
    // Libraries in CommonJS require Node's own modules.
    banner: {
      js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);",
    },
    logLevel: 'warning',
  });
  const modules = outputFiles.map(({ path, contents }) => ({
    name: `host/${path.slice(path.lastIndexOf('/') + 1)}`,
    content: contents,
  }));
  return [...modules, { name: 'host/package.json', content: Buffer.from('{"type":"module"}') }];
}

function writeOnce(files: readonly PackageFile[], folder: string): void {
  if (existsSync(folder)) {
    utimesSync(folder, new Date(), new Date());
    return;
  }
  const draft = `${folder}-${process.pid}`;
  for (const part of ['app', 'host']) {
    mkdirSync(join(draft, part), { recursive: true });
  }
  for (const { name, content } of files) {
    writeFileSync(join(draft, name), content);
  }
  renameSync(draft, folder);
}

function removeOthers(folder: string): void {
  for (const other of globSync(join(CACHE, '*'))) {
    if (other !== folder && Date.now() - statSync(other).mtimeMs > KEPT_MS) {
      rmSync(other, { recursive: true, force: true });
    }
  }
}

/** Node.js writes what it has compiled when a process ends by itself; those of most tests are killed. */
async function fillCompileCache(appRoot: string): Promise<void> {
  const stack = await startStack();
  const host = await stack.startHost({ appRoot });
  // What the app loads late.
  await fetch(`${host.url}/api/health`);
  await host.stop();
  await stack.azurite.restart();
  await stack.stop();
}
