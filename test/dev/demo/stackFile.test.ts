import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { readStackFile, writeStackFile } from '#dev/demo/stackFile.ts';

const folder = mkdtempSync(join(tmpdir(), 'stack-file-'));
const path = join(folder, 'deeper', 'stack.json');
const stack = { pid: process.pid, hostUrl: 'http://h', settings: { A: 'b' } };
afterAll(() => rmSync(folder, { recursive: true }));

test('A running demo is found by its file while there is one', () => {
  expect(readStackFile(path)).toBeUndefined();
  writeStackFile(path, stack);
  expect(readStackFile(path)).toEqual(stack);
});

test('A file whose process is gone, or that is damaged, tells of none', async () => {
  const gone = spawn(process.execPath, ['--version'], { stdio: 'ignore' });
  await once(gone, 'exit');
  writeStackFile(path, { ...stack, pid: gone.pid ?? 0 });
  expect(readStackFile(path)).toBeUndefined();
  for (const damaged of ['', '{"pid": 1', `{"pid": ${process.pid}}`, '[]']) {
    writeFileSync(path, damaged);
    expect(readStackFile(path)).toBeUndefined();
  }
});
