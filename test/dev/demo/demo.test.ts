import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { writeStackFile } from '#dev/demo/stackFile.ts';
import { enrichmentSchema } from '#shared/enrichment/enrichment.ts';
import { waitUntil } from '#test/support/waitUntil.ts';

const folder = mkdtempSync(join(tmpdir(), 'demo-'));
const stackFile = join(folder, 'stack.json');

function run(program: string, ...commandLine: string[]) {
  const path = fileURLToPath(new URL(`../../../dev/demo/${program}`, import.meta.url));
  // As when the output goes to a file: no colours asked for.
  const { FORCE_COLOR, ...env } = process.env;
  const options = ['--stack-file', stackFile, ...commandLine];
  const child = spawn(process.execPath, [path, ...options], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  const ended: Promise<[number | null]> = once(child, 'close') as Promise<[number | null]>;
  const output = Promise.all([text(child.stdout), text(child.stderr), ended]).then(
    ([stdout, stderr, [exitCode]]) => ({ stdout, stderr, exitCode }),
  );
  return { child, output };
}

/** The ports that the demo's parts listen on, by the settings that it wrote. */
function addressesIn(file: string): string[] {
  const { settings, hostUrl } = JSON.parse(readFileSync(file, 'utf8'));
  const storage = [...settings.AlertsStorage.matchAll(/Endpoint=(http:\/\/[\d.:]+)/g)].map(([, url]) => url);
  return [...storage, settings.DEFENDER_API_URL, hostUrl];
}

async function answers(url: string): Promise<boolean> {
  return fetch(url).then(
    () => true,
    () => false,
  );
}

let demo: ChildProcess;
let demoOutput: ReturnType<typeof run>['output'];
let addresses: string[];
let known: string;

beforeAll(async () => {
  ({ child: demo, output: demoOutput } = run('start.ts', '--once'));
  await waitUntil('the demo runs', () => existsSync(stackFile));
  addresses = addressesIn(stackFile);
  const controls = `${JSON.parse(readFileSync(stackFile, 'utf8')).settings.DEFENDER_API_URL}/_control`;
  const { alertIds } = (await (await fetch(`${controls}/alerts?count=1`)).json()) as { alertIds: string[] };
  known = alertIds[0] ?? '';
});
afterAll(async () => {
  demo.kill('SIGTERM');
  await demoOutput;
  rmSync(folder, { recursive: true });
});

test('A known alert is enriched by the demo while it runs, and printed as JSON', async () => {
  const { stdout, exitCode } = await run('enrich.ts', known).output;
  expect(enrichmentSchema.parse(JSON.parse(stdout))).toMatchObject({ outcome: 'enriched', alertId: known });
  expect(exitCode).toBe(0);
});

test('An alert that is not final in time is said to be so', async () => {
  const { stdout, stderr, exitCode } = await run('enrich.ts', 'da404_1', '--timeout', '1s').output;
  expect(stderr).toContain('da404_1 is not final after 1s');
  expect({ stdout, exitCode }).toEqual({ stdout: '', exitCode: 1 });
});

test('A second demo is refused while one runs', async () => {
  const other = join(folder, 'other.json');
  writeStackFile(other, { pid: process.pid, settings: {}, hostUrl: '' });
  const { stderr, exitCode } = await run('start.ts', '--once', '--stack-file', other).output;
  expect(stderr).toContain(`A demo runs already, as process ${process.pid}.`);
  expect(exitCode).toBe(1);
});

test('Once all is final the demo tells what became of each alert, and leaves nothing behind', async () => {
  const { stdout, stderr, exitCode } = await demoOutput;
  expect({ stderr, exitCode }).toEqual({ stderr: '', exitCode: 0 });
  expect(stdout).toContain('Every alert is final.');
  expect(stdout.match(/ enriched {2}.* (Windows|Ubuntu|iOS|macOS|Android)/g)?.length).toBeGreaterThan(10);
  expect(stdout.match(/ not_found {2}/g)).toHaveLength(2);
  expect(stdout).toMatch(/ bare ID +reused/);
  expect(stdout.match(/^(bad-alert-id|bad-json|not-an-alert) {2}/gm)).toHaveLength(4);
  expect(existsSync(stackFile)).toBe(false);
  expect(await Promise.all(addresses.map(answers))).toEqual(addresses.map(() => false));
});

test('What a killed demo leaves behind is told from a running one', async () => {
  await demoOutput;
  writeStackFile(stackFile, { pid: demo.pid ?? 0, settings: {}, hostUrl: '' });
  const { stderr, exitCode } = await run('enrich.ts', known).output;
  expect(stderr).toContain('No demo runs to submit to.');
  expect(exitCode).toBe(1);
});

test.each([
  ['start.ts', ['--backlog', 'many'], 'Give a whole number from 0 to 100000.'],
  ['start.ts', ['--source', 'sentinel'], 'Allowed choices are defender, graph, auto.'],
  ['start.ts', ['--fault'], "unknown option '--fault'"],
  ['enrich.ts', ['da1_1', '../x'], '"../x" is no alert ID: an alert ID has 1 to 128'],
  ['enrich.ts', ['da1_1', '--timeout', 'soon'], 'Give a duration such as 30s, 2m or 1h.'],
  ['enrich.ts', [], "missing required argument 'alertId'"],
])('%s refuses %j, and begins nothing', async (program, commandLine, words) => {
  const { stdout, stderr, exitCode } = await run(program, ...commandLine).output;
  expect(stderr).toContain(words);
  expect({ stdout, exitCode }).toEqual({ stdout: '', exitCode: 1 });
});
