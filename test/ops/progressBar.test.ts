import { PassThrough } from 'node:stream';
import type { WriteStream } from 'node:tty';
import { stripVTControlCharacters } from 'node:util';
import { expect, test } from 'vitest';
import { createProgressBar } from '#ops/progressBar.ts';

function drawnOn(isTTY: boolean): string {
  const stream = Object.assign(new PassThrough(), { isTTY }) as unknown as WriteStream;
  const bar = createProgressBar(stream, 4);
  for (const done of [1, 4, 5]) {
    bar.show(done);
  }
  bar.clear();
  return stripVTControlCharacters(String(stream.read() ?? ''));
}

test('a terminal shows how far it is, even when there was more than expected', () => {
  const full = '█'.repeat(30);
  expect(drawnOn(true)).toBe(`${'█'.repeat(8)}${'░'.repeat(22)} 1 of 4${full} 4 of 4${full} 5 of 5`);
});

test('a file or pipe gets no bar', () => {
  expect(drawnOn(false)).toBe('');
});
