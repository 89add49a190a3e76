import { stripVTControlCharacters } from 'node:util';
import { expect, test } from 'vitest';
import type { Sample } from '#dev/demo/samples.ts';
import { deadLetterLines, describeHostLine, progressLines, report } from '#dev/demo/view.ts';
import { type EnrichmentMessage, readHostLine } from '#dev/demo/watch.ts';
import { normalizeMachine } from '#shared/device/normalize.ts';

const time = '2026-02-10T08:12:44.114Z';
const device = normalizeMachine(
  {
    id: '1e5bc9d7e413ddd7902c2932e418702b84d0cc07',
    computerDnsName: 'web-01.contoso.com',
    osPlatform: 'WindowsServer2022',
    riskScore: 'High',
    exposureLevel: 'Low',
    healthStatus: 'Active',
    lastSeen: '2026-02-10T05:12:44.114Z',
  },
  new Date(time),
);
const message = {
  schemaVersion: '1.0' as const,
  outcome: 'enriched' as const,
  alertId: 'da00000000-0000-4000-8000-000000000001_1',
  submissionId: 'a',
  source: { name: 'defender', retrievedAt: time },
  reused: false,
  attempts: 3,
  receivedAt: time,
  enrichedAt: time,
};
const notFound = {
  ...message,
  alertId: 'da404_1',
  outcome: 'not_found' as const,
  reused: true,
  submissionId: 'b',
};

test('The report tells of each outcome the device, its levels, the form and the look-ups, in the order of the sample', () => {
  const messages: EnrichmentMessage[] = [notFound, { ...message, device }];
  const samples: Sample[] = [
    { form: 'CloudEvent', text: '', alertIds: [message.alertId], rejections: 0 },
    { form: 'bare ID', text: '', alertIds: ['da404_1'], rejections: 0 },
  ];
  const enrichments = new Map(messages.map((one) => [one.submissionId, one]));
  const end = { reason: 'final' as const, open: 0, results: { enrichments, deadLetters: [] } };
  const [, , head, first, second] = report(end, samples).map((line) =>
    stripVTControlCharacters(line).split(/ {2,}/),
  );
  expect(head).toEqual([
    'Alert',
    'Outcome',
    'Device',
    'OS',
    'Risk',
    'Exposure',
    'Seen',
    'Came as',
    'Look-ups',
  ]);
  const cells = ['web-01', 'WindowsServer2022', 'High', 'Low', '3 h ago'];
  expect(first).toEqual([message.alertId, 'enriched', ...cells, 'CloudEvent', '3']);
  expect(second).toEqual(['da404_1', 'not_found', 'bare ID', 'reused']);
});

test('A dead letter cannot steer the terminal that shows it', () => {
  const letter = {
    reason: 'bad-json',
    detail: 'no\u0007 JSON',
    original: '\u001b[2J{\n\u009b1m',
    isSubmission: false,
  };
  expect(deadLetterLines(letter).map(stripVTControlCharacters)).toEqual(['bad-json  {·', '  no· JSON', '']);
});

test('Progress tells every count, the calls by kind, and what is left of the quota', () => {
  const api = { rate: 1, pausedUntil: null, circuit: null };
  const progress = {
    ...{ submitted: 25, open: 2, enriched: 18, notFound: 1, deadLetters: 4, elapsedMs: 12_300 },
    waiting: new Map([['quota', 2]]),
    calls: { 'for one alert': 20, 'for lists of devices': 3 },
    quota: {
      ...api,
      windows: [{ limit: { calls: 100, windowMs: 60_000 }, permitted: 100, used: 23, remaining: 77 }],
      queued: 0,
      drainedBy: null,
    },
  };
  expect(progressLines(progress).map(stripVTControlCharacters)).toEqual([
    `  submitted        25  ${'█'.repeat(22)}░░  12 s`,
    '  enriched         18',
    '  not found         1',
    '  dead letters      4',
    '  deferred          2  2 for a turn in the quota',
    '  calls            23  20 for one alert, 3 for lists of devices',
    '  quota        23 of 100 in 1m',
  ]);
  const noQuota = { ...progress, quota: undefined, calls: {} };
  expect(progressLines(noQuota)).toHaveLength(6);
});

test('Lines of the host are events, trouble, or nothing to tell', () => {
  const told = (text: string) => {
    const line = readHostLine(text);
    const words = line && stripVTControlCharacters(describeHostLine(line, new Date()));
    return words?.replace(/^\d\d:\d\d:\d\d {2}/, '');
  };
  const submission = { event: 'submission', alertId: 'da1_1', submissionId: 'a' };
  const deferred = { ...submission, result: 'deferred', reason: 'quota', detail: 'wait' };
  const logged = (event: object) => `${time} information enrichAlert: ${JSON.stringify(event)}`;
  expect(told(logged({ ...submission, result: 'enriched' }))).toBe('enriched   da1_1');
  expect(told(logged(deferred))).toBe('deferred   da1_1  quota: wait');
  expect(told(logged({ event: 'rejected', reason: 'empty', detail: 'no text' }))).toBe('rejected   no text');
  expect(told(`${time} error enrichAlert: Failed: no storage`)).toBe('Failed: no storage');
  expect(told('Host is ready: http://127.0.0.1:1')).toBeUndefined();
  expect(told(`${time} information enrichAlert: {"event":`)).toBeUndefined();
});
