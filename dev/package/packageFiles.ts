import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
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
