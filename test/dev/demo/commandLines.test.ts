import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { parseStartOptions } from '#dev/demo/demo.ts';
import { parseEnrichOptions } from '#dev/demo/enrichAlert.ts';
import { readStackFile, removeStackFile, writeStackFile } from '#dev/demo/stackFile.ts';

const folder = mkdtempSync(join(tmpdir(), 'stack-file-'));
const path = join(folder, 'deeper', 'stack.json');
const stack = { pid: 4711, settings: { A: 'b' }, simulatorUrl: 'http://s', hostUrl: 'http://h' };
afterAll(() => rmSync(folder, { recursive: true }));

test('A running demo is found by its file until the file is removed', () => {
  expect(readStackFile(path)).toEqual({ kind: 'none' });
  writeStackFile(path, stack);
  expect(readStackFile(path, (pid) => pid === stack.pid)).toEqual({ kind: 'running', stack });
  removeStackFile(path);
  expect(readStackFile(path)).toEqual({ kind: 'none' });
});

test('A file whose process is gone, or that is damaged, is stale', () => {
  writeStackFile(path, stack);
  expect(readStackFile(path, () => false)).toEqual({ kind: 'stale' });
  for (const damaged of ['', '{"pid": 1', '{"pid": 1}', '[]']) {
    writeFileSync(path, damaged);
    expect(readStackFile(path, () => true)).toEqual({ kind: 'stale' });
  }
});

test('The demo takes a backlog and flags, and nothing else', () => {
  expect(parseStartOptions([])).toMatchObject({ backlog: 0, faults: false, once: false });
  expect(parseStartOptions(['--backlog', '150', '--faults', '--once'])).toMatchObject({
    backlog: 150,
    faults: true,
    once: true,
  });
  expect(() => parseStartOptions(['--backlog', 'many'])).toThrow(
    '--backlog is "many". Give a whole number from 0 to 100000, e.g. 150.',
  );
  expect(() => parseStartOptions(['--fault'])).toThrow('--fault');
});

test('Alerts to enrich are checked before any is submitted', () => {
  expect(parseEnrichOptions(['da1_1', 'da2_1', '--timeout', '30s'])).toMatchObject({
    alertIds: ['da1_1', 'da2_1'],
    timeoutMs: 30_000,
  });
  expect(() => parseEnrichOptions([])).toThrow('No alert ID was given.');
  expect(() => parseEnrichOptions(['da1_1', '../x'])).toThrow(
    '"../x" is no alert ID: an alert ID has 1 to 128',
  );
  expect(() => parseEnrichOptions(['da1_1', '--timeout', 'soon'])).toThrow('--timeout is "soon".');
});
