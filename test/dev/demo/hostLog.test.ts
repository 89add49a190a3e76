import { stripVTControlCharacters } from 'node:util';
import { expect, test } from 'vitest';
import { createHostLog } from '#dev/demo/hostLog.ts';

const submission = { event: 'submission', alertId: 'da1_1', submissionId: 'a' };
const deferred = { ...submission, result: 'deferred', reason: 'quota', detail: 'wait' };
const logged = (event: object) =>
  `2026-02-10T08:12:44.114Z information enrichAlert: ${JSON.stringify(event)}`;

function hostLog() {
  const shown: string[] = [];
  const log = createHostLog((line) => {
    shown.push(stripVTControlCharacters(line).replace(/^\d\d:\d\d:\d\d {2}/, ''));
  });
  return { log, shown };
}

test('Warnings and errors are always shown, events when asked for, and nothing else', () => {
  const { log, shown } = hostLog();
  const failure = '2026-02-10T08:12:44.114Z error enrichAlert: Failed: no\u0007 storage';
  const enriched = logged({ ...submission, result: 'enriched' });
  const rejected = logged({ event: 'rejected', reason: 'empty', detail: 'no text' });
  for (const line of [failure, enriched]) {
    log.hear(line);
  }
  log.showEvents();
  for (const line of [enriched, logged(deferred), rejected, 'Host is ready: http://127.0.0.1:1']) {
    log.hear(line);
  }
  log.hear('2026-02-10T08:12:44.114Z information enrichAlert: {"event":');
  log.hear(logged({ event: 'split', submissions: 2, rejections: 0 }));
  expect(shown).toEqual([
    'Failed: no· storage',
    'enriched   da1_1',
    'deferred   da1_1  quota: wait',
    'rejected     empty: no text',
  ]);
});

test('A submission waits, with the reason, until it goes on', () => {
  const { log } = hostLog();
  log.hear(logged(deferred));
  expect([...log.waiting]).toEqual([['a', 'quota']]);
  log.hear(logged({ ...submission, result: 'enriched' }));
  expect([...log.waiting]).toEqual([]);
});
