import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { PackageFile } from './bundle.ts';
import { zip } from './zip.ts';

/** Writes the files into a folder that is emptied first, and packs them into `<folder>.zip` beside it. */
export async function writePackage(files: readonly PackageFile[], folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  await Promise.all(files.map(({ name, content }) => writeFile(join(folder, name), content)));
  await writeFile(`${folder}.zip`, zip(files));
}
