import { stripVTControlCharacters } from 'node:util';
import { expect, test } from 'vitest';
import { describeHostLine, readHostLine } from '#dev/demo/hostLines.ts';
import { deadLetterTable, outcomeTable } from '#dev/demo/outcomeTable.ts';
import { progressLine, progressPicture } from '#dev/demo/progressView.ts';
import { normalizeMachine } from '#shared/device/normalize.ts';
import { ageInWords, counted, printable, shortened } from '#shared/text.ts';

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
const notFound = { ...message, outcome: 'not_found' as const, reused: true };
const outcomes = [
  { message, device, form: 'CloudEvent' },
  { message: notFound, device: undefined, form: 'bare ID' },
];

function linesOf(text: string): string[] {
  return stripVTControlCharacters(text).split('\n');
}

test('A wide table tells of each outcome the device, its levels, the form and the look-ups', () => {
  const [head, first, second] = linesOf(outcomeTable(outcomes, 160)).map((line) => line.split(/ {2,}/));
  const titles = [
    'Alert',
    'Outcome',
    'Device',
    'OS',
    'Risk',
    'Exposure',
    'Health',
    'Seen',
    'Came as',
    'Look-ups',
  ];
  const device = ['web-01', 'WindowsServer2022', 'High', 'Low', 'Active', '3 h ago'];
  expect(head).toEqual(titles);
  expect(first).toEqual([message.alertId, 'enriched', ...device, 'CloudEvent', '3']);
  expect(second).toEqual([message.alertId, 'not_found', 'bare ID', 'reused']);
});

test.each([80, 100, 120, 160])('A table fits into a terminal of %i columns', (width) => {
  const lines = linesOf(outcomeTable(outcomes, width));
  expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(width);
  expect(lines[1]).toContain('web-01');
});

test('A dead letter cannot steer the terminal that shows it', () => {
  const letter = {
    reason: 'bad-json',
    detail: 'no\u0007 JSON',
    original: '\u001b[2J{\n\u009b1m',
    isSubmission: false,
  };
  const [, row] = linesOf(deadLetterTable([letter], 100));
  expect(row?.split(/ {2,}/)).toEqual(['bad-json', '{·', 'no· JSON']);
});

test('Progress tells every count, in a picture and in a line', () => {
  const progress = {
    submitted: 25,
    enriched: 18,
    notFound: 1,
    deadLetters: 4,
    waiting: new Map([['quota', 2]]),
    open: 2,
    callsInMinute: 99,
    callsInHour: 140,
    callsByRoute: new Map([
      ['alerts', 6],
      ['machines', 34],
      ['alertMachine', 100],
    ]),
    expectedAt: new Date(2026, 10, 27, 12, 3, 20),
    elapsedMs: 12_300,
  };
  expect(progressPicture(progress).map(stripVTControlCharacters)).toEqual([
    `  submitted        25  ${'█'.repeat(22)}░░  12 s`,
    '  enriched         18',
    '  not found         1',
    '  dead letters      4',
    '  deferred          2  2 for a turn in the quota',
    '  calls            99  of 100 in the last minute',
    '                  140  of 1,500 in the last hour',
    '                    6  for lists of alerts',
    '                   34  for up to 30 devices each',
    '                  100  for the device of one alert',
    '  expected by  12:03:20',
  ]);
  expect(progressLine(progress)).toBe(
    '  12 s  submitted 25, enriched 18, not found 1, dead letters 4, deferred 2 (2 for a turn in the quota), ' +
      'calls 99 in the last minute, 140 in the last hour, expected by 12:03:20',
  );
});

test('Lines of the host are events, trouble, or nothing to tell', () => {
  const told = (line: string) =>
    describeHostLine(readHostLine(line), new Date()).map((text) =>
      stripVTControlCharacters(text).replace(/^\d\d:\d\d:\d\d {2}/, ''),
    );
  const submission = { event: 'submission', alertId: 'da1_1', submissionId: 'a' };
  const deferred = { ...submission, result: 'deferred', reason: 'quota', detail: 'wait' };
  const logged = (event: object) => `${time} information enrichAlert: ${JSON.stringify(event)}`;
  expect(told(logged({ ...submission, result: 'enriched' }))).toEqual(['enriched   da1_1']);
  expect(told(logged(deferred))).toEqual(['deferred   da1_1  quota: wait']);
  expect(told(logged({ event: 'rejected', reason: 'empty', detail: 'no text' }))).toEqual([
    'rejected   no text',
  ]);
  expect(told(`${time} error enrichAlert: Failed: no storage`)).toEqual(['Failed: no storage']);
  expect(told('Host is ready: http://127.0.0.1:1')).toEqual([]);
  expect(told(`${time} information enrichAlert: {"event":`)).toEqual([]);
});

test('Words for people', () => {
  expect(counted(1, 'alert')).toBe('1 alert');
  expect(counted(1_500, 'alert')).toBe('1,500 alerts');
  expect([5, 120, 7_200, 200_000].map(ageInWords)).toEqual(['5 s', '2 min', '2 h', '2 d']);
  expect(shortened('abcdefghijklmnopqrstuvwxyz', 10)).toBe('abcdef…xyz');
  expect(shortened('short', 10)).toBe('short');
  expect(printable('a\u001b[31mb\nc')).toBe('ab·c');
});
