import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';

const localSettingsSchema = z.object({ Values: z.record(z.string(), z.coerce.string()).default({}) });

/**
 * Adds the `Values` of the folder's local.settings.json to the environment, as the Functions host does: they reach the
 * settings and the sign-in alike. What the environment has already stays.
 * @throws Error when the file is there and cannot be read as such.
 */
export function addLocalSettings(folder: string, environment: NodeJS.ProcessEnv): void {
  const path = join(folder, 'local.settings.json');
  if (!existsSync(path)) {
    return;
  }
  for (const [name, value] of Object.entries(readValues(path))) {
    environment[name] ??= value;
  }
}

function readValues(path: string): Record<string, string> {
  const parsed = localSettingsSchema.safeParse(parseJson(readFileSync(path, 'utf8')));
  if (parsed.success) {
    return parsed.data.Values;
  }
  // What does not parse is not shown: it may hold a key.
  throw new Error(`${path} is not of the form {"Values": {"NAME": "text", ...}}. Correct or remove it.`);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
