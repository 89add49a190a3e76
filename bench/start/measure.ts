import { spawnSync } from 'node:child_process';
import { globSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { packageFiles, writePackage } from '#dev/package/packageFiles.ts';

/** How long one way to start took: from the start of the process to its end, which comes at once at its mark. */
export interface StartTimes {
  name: string;
  milliseconds: number[];
}

const RUNS = 10;

/** As in Azure: a managed identity and no keys. Nothing is there to be reached. */
const ENVIRONMENT = {
  AlertsStorage__queueServiceUri: 'https://unused.queue.core.windows.net',
  AlertsStorage__tableServiceUri: 'https://unused.table.core.windows.net',
  AlertsStorage__credential: 'managedidentity',
  IDENTITY_ENDPOINT: 'http://127.0.0.1:9/unused',
  IDENTITY_HEADER: 'unused',
};

const TELEMETRY_ON = { TELEMETRY: 'otlp', OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9' };

/** The row that shows what loading late gives, whether bundled or not. */
export const ALL_AT_ONCE = 'unbundled, all loaded at once';

const path = (name: string) => fileURLToPath(new URL(name, import.meta.url));

/** Starts everything in turn, so that a busy moment of the machine falls on all alike; a first round is not counted. */
export async function measureStarts(onProgress: (text: string) => void): Promise<StartTimes[]> {
  const folder = mkdtempSync(join(tmpdir(), 'start-'));
  try {
    await writePackage(await packageFiles(), join(folder, 'package'));
    const bundle = join(folder, 'package', 'main.js');
    const unbundled = path('../../dist/functions/main.js');
    const allAtOnce = join(folder, 'allAtOnce.mjs');
    writeFileSync(
      allAtOnce,
      importsOf([
        ...globSync(path('../../dist/functions/handlers/*.js')),
        path('../../dist/functions/runningApp.js'),
        unbundled,
      ]),
    );
    const harness = path('./harness.cjs');
    const starts = [
      { name: 'bare node', args: ['-e', '0'] },
      { name: 'an empty function', args: [harness, path('./emptyApp.mjs'), 'invocation'] },
      { name: 'bundle', args: [harness, bundle, 'invocation'] },
      { name: 'unbundled', args: [harness, unbundled, 'invocation'] },
      { name: ALL_AT_ONCE, args: [harness, allAtOnce, 'invocation'] },
      { name: 'bundle, to the first request', args: [harness, bundle, 'request'] },
      { name: 'unbundled, to the first request', args: [harness, unbundled, 'request'] },
      { name: 'bundle, telemetry on', args: [harness, bundle, 'invocation'], settings: TELEMETRY_ON },
      { name: 'bundle, first message', args: [harness, bundle, 'message'] },
      {
        name: 'bundle, first message, telemetry on',
        args: [harness, bundle, 'message'],
        settings: TELEMETRY_ON,
      },
    ].map((start) => ({ settings: {}, ...start, milliseconds: [] as number[] }));
    for (let run = 0; run <= RUNS; run++) {
      onProgress(`run ${run} of ${RUNS}`);
      for (const { args, settings, milliseconds } of starts) {
        const took = timeOf(args, settings);
        if (run > 0) {
          milliseconds.push(took);
        }
      }
    }
    return starts.map(({ name, milliseconds }) => ({ name, milliseconds }));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** An app as it is usually written: its modules import whatever they may need. The HTTP client is one of these. */
function importsOf(files: string[]): string {
  const modules = [...files.map((file) => pathToFileURL(file).href), import.meta.resolve('got')];
  return modules.map((module) => `import ${JSON.stringify(module)};\n`).join('');
}

function timeOf(args: string[], settings: Record<string, string>): number {
  const startedAt = performance.now();
  const { status, stderr } = spawnSync(process.execPath, args, {
    env: { ...ENVIRONMENT, ...settings },
    encoding: 'utf8',
  });
  if (status !== 0) {
    throw new Error(`node ${args.join(' ')} ended with ${status}:\n${stderr}`);
  }
  return performance.now() - startedAt;
}
