import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { beforeAll, expect, onTestFinished, test } from 'vitest';
import * as z from 'zod';
import { projectRoot } from '../infra/support/sources.ts';
import { codeIn, readGuide, tableRows } from './guide.ts';

/** The rows of layers.json: the files that a row is for, and the patterns of what they may not import. */
const layersSchema = z.object({
  overrides: z.array(
    z.object({
      includes: z.array(z.string()),
      linter: z.object({
        rules: z.object({
          style: z.object({
            noRestrictedImports: z.object({
              level: z.literal('error'),
              options: z.object({ patterns: z.array(z.object({ group: z.array(z.string()) })) }),
            }),
          }),
        }),
      }),
    }),
  ),
});

interface Layer {
  folder: string;
  /** Folders of `shared/` that it may import. */
  allowed: string[];
}

let layers: Layer[];

beforeAll(() => {
  const { overrides } = layersSchema.parse(
    JSON.parse(readFileSync(join(projectRoot, 'layers.json'), 'utf8')),
  );
  layers = overrides.flatMap(({ includes, linter }) => {
    const [, folder] = /^shared\/([a-z/]+)\/\*\.ts$/.exec(includes[0] ?? '') ?? [];
    const group = linter.rules.style.noRestrictedImports.options.patterns.flatMap((pattern) => pattern.group);
    const allowed = group.flatMap((pattern) => {
      const [, name] = /^!(?:\.\.\/)+([a-z/]+)\/\*\*$/.exec(pattern) ?? [];
      return pattern === '!../*.ts' ? [dirname(folder ?? '')] : (name ?? []);
    });
    return folder === undefined ? [] : [{ folder, allowed: allowed.sort() }];
  });
});

test('every folder of shared/ has its row in layers.json', () => {
  const folders = readdirSync(join(projectRoot, 'shared'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name).slice(join(projectRoot, 'shared/').length))
    .filter((folder) =>
      readdirSync(join(projectRoot, 'shared', folder)).some((name) => name.endsWith('.ts')),
    );
  expect(layers.map(({ folder }) => folder).sort()).toEqual(folders.sort());
});

test('the table of allowed imports in docs/architecture.md is the one that the linter keeps', () => {
  const rows = tableRows(readGuide('docs/architecture.md'), 'May import').map(
    ([folder = '', allowed = '']) => ({
      folder: codeIn(folder)[0],
      allowed: codeIn(allowed).sort(),
    }),
  );
  expect(new Set(rows)).toEqual(
    new Set(layers.map(({ folder, allowed }) => ({ folder: `shared/${folder}/`, allowed }))),
  );
});

test('no two folders may import each other, by whatever way', () => {
  const reach = (folder: string, seen = new Set<string>()): Set<string> => {
    for (const next of layers.find((layer) => layer.folder === folder)?.allowed ?? []) {
      if (!seen.has(next)) {
        reach(next, seen.add(next));
      }
    }
    return seen;
  };
  expect(layers.filter(({ folder }) => reach(folder).has(folder))).toEqual([]);
});

test('npm run lint fails on each import that the table does not allow, and on no other', () => {
  const copy = mkdtempSync(join(tmpdir(), 'layers-'));
  onTestFinished(() => rmSync(copy, { recursive: true }));
  const config = JSON.parse(readFileSync(join(projectRoot, 'biome.json'), 'utf8'));
  writeFileSync(join(copy, 'biome.json'), JSON.stringify({ ...config, vcs: { enabled: false } }));
  cpSync(join(projectRoot, 'layers.json'), join(copy, 'layers.json'));
  const probe = (path: string, specifiers: string[]) => {
    mkdirSync(dirname(join(copy, path)), { recursive: true });
    writeFileSync(join(copy, path), specifiers.map((specifier) => `import '${specifier}';\n`).join(''));
  };
  const expected = new Map<string, string[]>();
  for (const { folder, allowed } of layers) {
    const up = '../'.repeat(folder.split('/').length);
    const others = layers.filter((other) => other.folder !== folder && !allowed.includes(other.folder));
    // A folder inside an allowed one is a layer of its own, but for the patterns it is in there.
    const forbidden = others.filter((other) => !allowed.some((name) => other.folder.startsWith(`${name}/`)));
    const path = `shared/${folder}/probe.ts`;
    probe(path, [
      './sibling.ts',
      'zod',
      'node:fs',
      ...['promises', 'result', 'text'].map((name) => `${up}${name}.ts`),
      ...allowed.map((name) => `${up}${name}/file.ts`.replace(/^..\/..\/sources\/file/, '../file')),
      ...forbidden.map((other) => `${up}${other.folder}/file.ts`),
      `${up}application.ts`,
      '#dev/host/host.ts',
    ]);
    expected.set(path, [
      ...forbidden.map((other) => `${up}${other.folder}/file.ts`),
      `${up}application.ts`,
      '#dev/host/host.ts',
    ]);
  }
  probe('dev/simulator/probe.ts', ['../stack/port.ts', '#shared/text.ts']);
  expected.set('dev/simulator/probe.ts', ['#shared/text.ts']);
  probe('ops/probe.ts', ['#shared/text.ts', '#dev/host/host.ts']);
  expected.set('ops/probe.ts', ['#dev/host/host.ts']);

  const biome = createRequire(import.meta.url).resolve('@biomejs/biome/bin/biome');
  const args = [biome, 'lint', '--reporter=json', '--max-diagnostics=none', '.'];
  const { stdout, status } = spawnSync(process.execPath, args, { cwd: copy, encoding: 'utf8' });
  expect(status).toBe(1);
  const found = new Map<string, string[]>();
  for (const { category, location } of reportSchema.parse(JSON.parse(stdout)).diagnostics) {
    if (category === 'lint/style/noRestrictedImports') {
      const line = readFileSync(join(copy, location.path), 'utf8').split('\n')[location.start.line - 1] ?? '';
      found.set(location.path, [...(found.get(location.path) ?? []), line.slice("import '".length, -2)]);
    }
  }
  expect(sorted(found)).toEqual(sorted(expected));
});

const reportSchema = z.object({
  diagnostics: z.array(
    z.object({
      category: z.string(),
      location: z.object({ path: z.string(), start: z.object({ line: z.number() }) }),
    }),
  ),
});

function sorted(paths: ReadonlyMap<string, readonly string[]>): [string, string[]][] {
  return [...paths].map(([path, names]): [string, string[]] => [path, names.toSorted()]).sort();
}
