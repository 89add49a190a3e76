import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { build, type Plugin, transform } from 'esbuild';

/** The repository's root; paths in the source maps are relative to its `package/`, wherever the files go. */
export const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** A file of the package: its name (there are no folders) and its content. */
export interface PackageFile {
  name: string;
  content: Uint8Array;
}

/**
 * Bundles the app with all its libraries into ES modules: `main.js`, and the parts that it loads when they are first
 * needed. They are files of their own, because Node.js would otherwise read through code that may never run.
 */
export async function bundle(): Promise<PackageFile[]> {
  const { outputFiles } = await build({
    absWorkingDir: ROOT,
    entryPoints: { main: 'dev/package/entry.ts' },
    outdir: 'package',
    write: false,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node22',
    // Half of OpenTelemetry's libraries name their ES modules so, and only of those what is not used can be left out.
    mainFields: ['module', 'main'],
    // The Functions worker has it; it is no package.
    external: ['@azure/functions-core'],
    // Libraries in CommonJS require Node's own modules.
    banner: {
      js: "import{createRequire as __createRequire}from'node:module';const require=__createRequire(import.meta.url);",
    },
    minify: true,
    sourcemap: true,
    sourcesContent: false,
    plugins: [libraries],
    logLevel: 'warning',
  });
  return outputFiles.map(({ path, contents }) => ({
    name: path.slice(path.lastIndexOf('/') + 1),
    content: contents,
  }));
}

/**
 * @azure/storage-queue tells its policies apart by the names of their classes. To keep the names in all libraries would
 * cost a twentieth of the time to the first request.
 */
const NAMED_LIBRARIES = /@azure[\\/]storage-/;

/** Maps that know only our own lines are a tenth as long, and Node.js reads a map together with its module. */
const libraries: Plugin = {
  name: 'libraries',
  setup({ onLoad }) {
    const emptyMap = Buffer.from('{"version":3,"sources":[""],"mappings":"AAAA"}').toString('base64');
    onLoad({ filter: /node_modules.*\.[cm]?js$/ }, async ({ path }) => {
      const source = await readFile(path, 'utf8');
      const named = NAMED_LIBRARIES.test(path) ? await transform(source, { keepNames: true }) : undefined;
      return {
        contents: `${named?.code ?? source}\n//# sourceMappingURL=data:application/json;base64,${emptyMap}`,
        loader: 'js',
      };
    });
  },
};
