import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { packageFiles, writePackage } from '#dev/package/packageFiles.ts';

/** Makes what would be deployed, as a folder that is gone when `use` is done with it. */
export async function withPackagedApp<Result>(use: (appRoot: string) => Promise<Result>): Promise<Result> {
  const folder = mkdtempSync(join(tmpdir(), 'packaged-app-'));
  try {
    const appRoot = join(folder, 'package');
    await writePackage(await packageFiles(), appRoot);
    return await use(appRoot);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
