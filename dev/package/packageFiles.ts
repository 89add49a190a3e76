import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { zipSync } from 'fflate';
import { bundle, type PackageFile, ROOT } from './bundle.ts';

/** Everything that is deployed, sorted by name: the bundle, host.json and a package.json that names the entry. */
export async function packageFiles(): Promise<PackageFile[]> {
  const [modules, host, { name, version, license }] = await Promise.all([
    bundle(),
    readFile(join(ROOT, 'host.json')),
    readFile(join(ROOT, 'package.json'), 'utf8').then(JSON.parse),
  ]);
  const manifest = { name, version, license, private: true, type: 'module', main: 'main.js' };
  const files = [
    ...modules,
    { name: 'host.json', content: host },
    { name: 'package.json', content: Buffer.from(`${JSON.stringify(manifest, null, 2)}\n`) },
  ];
  return files.sort((left, right) => (left.name < right.name ? -1 : 1));
}

/** Writes the files into a folder that is emptied first, and packs them into `<folder>.zip` beside it. */
export async function writePackage(files: readonly PackageFile[], folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  await Promise.all(files.map(({ name, content }) => writeFile(join(folder, name), content)));
  await writeFile(`${folder}.zip`, zip(files));
}

/** Packs files as `func azure functionapp publish` and the deployment of a zip expect them: at the top, readable by all. */
export function zip(files: readonly PackageFile[]): Uint8Array {
  const ordinaryFile = 0o100644;
  // A zip holds local times; this one has the same digits in every time zone, so that equal files give equal bytes.
  const mtime = new Date(2000, 0, 1);
  const entries = files.map(({ name, content }) => [
    name,
    [content, { level: 9, mtime, os: 3, attrs: ordinaryFile << 16 }] as const,
  ]);
  return zipSync(Object.fromEntries(entries));
}
