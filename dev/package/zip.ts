import { zipSync } from 'fflate';
import type { PackageFile } from './bundle.ts';

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
