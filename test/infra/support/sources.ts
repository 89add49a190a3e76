import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The text of each file by its path from the root of the project. Checks take it, so that a test can break a file. */
export type Sources = ReadonlyMap<string, string>;

export const projectRoot = fileURLToPath(new URL('../../../', import.meta.url));

/** Everything that a template is made of, and not what is compiled of it. */
export function readInfra(): Sources {
  const paths = globSync('infra/**/*.{bicep,kql,json}', { cwd: projectRoot })
    .map((path) => path.replaceAll('\\', '/'))
    .filter((path) => path !== 'infra/azuredeploy.json');
  return new Map(paths.sort().map((path) => [path, readFileSync(join(projectRoot, path), 'utf8')]));
}

/** The same files with one changed. @throws When there is nothing to change: the test would prove nothing. */
export function withChange(sources: Sources, path: string, from: string | RegExp, to: string): Sources {
  const text = sources.get(path);
  const changed = text?.replace(from, to);
  if (text === changed || changed === undefined) {
    throw new Error(`${path} holds no ${from}`);
  }
  return new Map([...sources, [path, changed]]);
}

/** The files whose names end so. */
export function ofKind(sources: Sources, ending: string): [path: string, text: string][] {
  return [...sources].filter(([path]) => path.endsWith(ending));
}
