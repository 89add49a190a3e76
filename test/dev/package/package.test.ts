import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { unzipSync } from 'fflate';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { type PackageFile, ROOT } from '#dev/package/bundle.ts';
import { packageFiles, writePackage, zip } from '#dev/package/packageFiles.ts';

const SETTINGS = { AlertsStorage: 'UseDevelopmentStorage=true', ALERT_POLL_SCHEDULE: '0 */5 * * * *' };
const harness = fileURLToPath(new URL('../../../bench/start/harness.cjs', import.meta.url));
const printFunctions = fileURLToPath(new URL('./printFunctions.ts', import.meta.url));
const startApp = fileURLToPath(new URL('./startApp.ts', import.meta.url));

let files: PackageFile[];
let parent: string;
let folder: string;

beforeAll(async () => {
  // Nowhere above it is there a node_modules.
  parent = mkdtempSync(join(tmpdir(), 'package-'));
  folder = join(parent, 'app');
  files = await packageFiles();
  await writePackage(files, folder);
});
afterAll(() => rmSync(parent, { recursive: true }));
afterAll(() => vi.unstubAllEnvs());

const text = ({ content }: PackageFile) => Buffer.from(content).toString('utf8');
const fileNamed = (name: string) => files.find((file) => file.name === name);

function run(args: string[], settings: Record<string, string> = SETTINGS) {
  return spawnSync(process.execPath, args, { env: settings, encoding: 'utf8', timeout: 30_000 });
}

/** The modules that a module may load, itself included, but for those that are left out and what only they load. */
function reachable(name: string, isTaken = (_name: string) => true, seen = new Set<string>()): PackageFile[] {
  const file = fileNamed(name);
  if (file === undefined || seen.has(name) || !isTaken(name)) {
    return [];
  }
  seen.add(name);
  const imports = [...text(file).matchAll(/(?:from|import)\(?\s*"\.\/([^"]+)"/g)];
  return [file, ...imports.flatMap(([, next = '']) => reachable(next, isTaken, seen))];
}

function functionsOf(appRoot: string): { name: string }[] {
  const { stdout, stderr } = run([printFunctions, appRoot]);
  expect(stderr).toBe('');
  return JSON.parse(stdout);
}

describe('the package', () => {
  test('is modules with their source maps, host.json and package.json, and nothing else', () => {
    const modules = files.filter(({ name }) => name.endsWith('.js')).map(({ name }) => name);
    expect(modules).toContain('main.js');
    expect(readdirSync(folder)).toEqual(
      [...modules, ...modules.map((name) => `${name}.map`), 'host.json', 'package.json'].sort(),
    );
    expect(fileNamed('host.json')?.content).toEqual(readFileSync(join(ROOT, 'host.json')));
    expect(JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))).toMatchObject({
      type: 'module',
      main: 'main.js',
    });
  });

  test('has less than 1.5 MB of code without telemetry, of which nothing is read while that is off', () => {
    const isTelemetry = (name: string) => /^start-[A-Z0-9]+\.js$/.test(name);
    const telemetry = files.filter(({ name }) => isTelemetry(name));
    expect(telemetry).toHaveLength(1);
    const used = reachable('main.js', (name) => !isTelemetry(name));
    expect(used.reduce((sum, { content }) => sum + content.length, 0)).toBeLessThan(1_500_000);
    expect(used.filter((file) => /OTEL_EXPORTER_OTLP_TIMEOUT|BatchSpanProcessor/.test(text(file)))).toEqual(
      [],
    );
    expect(reachable('main.js').some((file) => text(file).includes('BatchSpanProcessor'))).toBe(true);
  });

  test('has less than 1.8 MB of code with it', () => {
    const code = files.filter(({ name }) => name.endsWith('.js'));
    expect(code.reduce((sum, { content }) => sum + content.length, 0)).toBeLessThan(1_800_000);
  });

  test('registers the same functions as the build, without node_modules', () => {
    const functions = functionsOf(folder);
    expect(functions).toEqual(functionsOf(ROOT));
    expect(functions.map(({ name }) => name)).toEqual(expect.arrayContaining(['enrichAlert', 'pollAlerts']));
  });

  test('has all that the handlers need, without node_modules', () => {
    expect(run([harness, join(folder, 'main.js'), 'request'])).toMatchObject({ status: 0, stderr: '' });
  });

  test('does not start with a setting that is wrong, and says which', () => {
    const { status, stderr } = run([startApp, folder], { AlertsStorage: 'nonsense' });
    expect(status).toBe(1);
    expect(stderr).toContain('One setting is wrong:\n- AlertsStorage: got a value');
  });

  test('names the lines of the sources in stack traces from behind the triggers', () => {
    const { stdout } = run([startApp, folder], { AlertsStorage: 'nonsense' });
    const [, line] = /shared\/config\/settings\.ts:(\d+):\d+/.exec(stdout) ?? [];
    const source = readFileSync(join(ROOT, 'shared/config/settings.ts'), 'utf8').split('\n');
    expect(source[Number(line) - 1]).toContain('throw new SettingsError');
    expect(stdout).toMatch(/functions\/runningApp\.ts:\d+:\d+/);
  });

  test('tells nothing of the machine that it was made on', () => {
    for (const file of files) {
      expect(text(file)).not.toContain(ROOT);
    }
    const sources = files
      .filter(({ name }) => name.endsWith('.map'))
      .flatMap((file) => JSON.parse(text(file)).sources);
    expect(sources.filter((source) => !/^\.\.\/(functions|shared|dev|node_modules)\//.test(source))).toEqual(
      [],
    );
  });
});

describe('package.zip', () => {
  test('has the files of the folder at its top, whole', () => {
    const unpacked = unzipSync(readFileSync(`${folder}.zip`));
    expect(Object.keys(unpacked)).toEqual(files.map(({ name }) => name));
    for (const { name, content } of files) {
      expect(Buffer.compare(unpacked[name] ?? Buffer.of(), content)).toBe(0);
    }
  });

  test('has the same bytes whenever and wherever it is made of the same sources', async () => {
    vi.stubEnv('TZ', 'Asia/Kolkata');
    expect(Buffer.compare(zip(await packageFiles()), readFileSync(`${folder}.zip`))).toBe(0);
  });
});
