import { globSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import * as z from 'zod';

const packageJsonSchema = z.object({ main: z.string().min(1) });

/**
 * Imports the files that the app's package.json names in `main` (a glob); they register its functions.
 * @throws Error when package.json is missing or names no `main`, when no file matches, or what a file threw.
 */
export async function loadApp(appRoot: string): Promise<void> {
  const path = resolve(appRoot, 'package.json');
  const parsed = packageJsonSchema.safeParse(JSON.parse(readFileSync(path, 'utf8')));
  if (!parsed.success) {
    throw new Error(
      `${path} names no "main". Let it name the built functions, e.g. "dist/functions/main.js".`,
    );
  }
  const { main } = parsed.data;
  const files = globSync(main, { cwd: appRoot }).sort();
  if (files.length === 0) {
    throw new Error(`No file matches "main" of ${path} ("${main}"). Build the app first: npm run build`);
  }
  for (const file of files) {
    await import(pathToFileURL(resolve(appRoot, file)).href);
  }
}
