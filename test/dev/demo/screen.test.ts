import { stripVTControlCharacters } from 'node:util';
import { expect, test } from 'vitest';
import { createScreen, type Progress, progressRows } from '#dev/demo/screen.ts';

const progress: Progress = {
  ...{ submitted: 25, open: 2, elapsedMs: 12_300 },
  results: { enrichments: new Map(), deadLetters: [{ reason: 'bad-json', detail: '', original: '' }] },
  waiting: ['quota', 'not_found', 'quota'],
  calls: ['alertMachine', 'machines', 'alertMachine'],
  quota: {
    windows: [{ limit: { calls: 100, windowMs: 60_000 }, permitted: 100, used: 23, remaining: 77 }],
    drainedBy: new Date(2026, 1, 10, 8, 12, 44),
  },
};

/** What is written to a stream that is a terminal or not, with its movements in words. */
function written(isTTY: boolean) {
  const parts: string[] = [];
  const note = (text: string) => () => parts.push(text) > 0;
  const stream = {
    ...{ isTTY, columns: 30 },
    write: (text: string) => parts.push(stripVTControlCharacters(text)) > 0,
    moveCursor: (_x: number, y: number) => parts.push(`<${y} lines>`) > 0,
    cursorTo: () => true,
    clearScreenDown: note('<clear>'),
  } as unknown as NodeJS.WriteStream;
  return { screen: createScreen(stream), parts };
}

test('Progress tells every count, why alerts wait, the calls by kind, and what is left of the quota', () => {
  expect(progressRows(progress).map((row) => row.map(stripVTControlCharacters))).toEqual([
    ['submitted', '25', `${'█'.repeat(22)}░░  12 s`],
    ['enriched', '0'],
    ['not found', '0'],
    ['dead letters', '1'],
    ['deferred', '3', '2 for a turn in the quota, 1 not known to Defender yet'],
    ['calls', '3', '2 for one alert, 1 for lists of devices'],
    ['quota', '', '23 of 100 in 1m; all done by 08:12:44'],
  ]);
  expect(progressRows({ ...progress, open: 0 }).at(-1)?.[2]).toBe('23 of 100 in 1m');
  expect(progressRows({ ...progress, quota: undefined }).at(-1)).toEqual(['quota', '', '']);
});

test('On a terminal the picture is drawn again in its place, with lines above it, until something comes below', () => {
  const { screen, parts } = written(true);
  screen.show({ ...progress, quota: undefined });
  screen.note('trouble');
  screen.print(['below']);
  screen.note('later');
  const [picture = '', ...rest] = parts;
  expect(picture.split('\n').every((line) => line.length < 30)).toBe(true);
  expect(rest).toEqual(['<-7 lines>', '<clear>', `trouble\n${picture}`, 'below\n', 'later\n']);
});

test('Elsewhere a line is written when the counts change', () => {
  const { screen, parts } = written(false);
  screen.show(progress);
  screen.show({ ...progress, elapsedMs: 13_000, calls: [] });
  screen.show({ ...progress, elapsedMs: 14_000, waiting: [] });
  expect(parts).toEqual([
    '  12 s  0 enriched, 0 not found, 1 dead letters, 3 deferred\n',
    '  14 s  0 enriched, 0 not found, 1 dead letters, 0 deferred\n',
  ]);
});
