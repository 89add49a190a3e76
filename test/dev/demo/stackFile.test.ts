import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
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
