import { existsSync, globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Contract } from './contracts.ts';
import type { JsonSchema } from './jsonSchema.ts';

/** Where the contracts are published. */
export const SCHEMA_FOLDER = new URL('../../docs/schema/', import.meta.url);

/** A schema as text, as its file holds it. */
export function schemaText({ schema }: Contract): string {
  return `${JSON.stringify(schema, null, 2)}\n`;
}

export function currentFile({ name }: Contract): URL {
  return new URL(`${name}.schema.json`, SCHEMA_FOLDER);
}

/** Where a contract is kept as its version was released. */
export function releasedFile({ name, version }: Contract): URL {
  return new URL(`released/${version}/${name}.schema.json`, SCHEMA_FOLDER);
}

/** The contract as it was released under its present version; undefined when that version is not released yet. */
export function readReleased(contract: Contract): JsonSchema | undefined {
  const file = releasedFile(contract);
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : undefined;
}

/** The versions under which a contract was ever released. */
export function releasedVersions({ name }: Contract): string[] {
  return globSync(`released/*/${name}.schema.json`, { cwd: fileURLToPath(SCHEMA_FOLDER) }).flatMap(
    (path) => path.split(/[\\/]/)[1] ?? [],
  );
}

export function write(file: URL, text: string): void {
  mkdirSync(new URL('./', file), { recursive: true });
  writeFileSync(file, text);
}
