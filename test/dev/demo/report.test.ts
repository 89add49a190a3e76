import { stripVTControlCharacters } from 'node:util';
import { expect, test } from 'vitest';
import { report } from '#dev/demo/report.ts';
import type { Results } from '#dev/demo/results.ts';
import { createBacklog, type Sample } from '#dev/demo/samples.ts';
import { normalizeMachine } from '#shared/device/normalize.ts';
import type { Enrichment } from '#shared/enrichment/enrichment.ts';

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
  const backlog = { ...notFound, alertId: 'da9_1', submissionId: 'c' };
  const messages: Enrichment[] = [backlog, notFound, { ...message, device }];
  const samples: Sample[] = [
    { form: 'CloudEvent', text: '', alertIds: [message.alertId], rejections: 0 },
    { form: 'bare ID', text: '', alertIds: ['da404_1'], rejections: 0 },
    ...createBacklog(['da9_1']),
  ];
  const enrichments = new Map(messages.map((one) => [one.submissionId, one]));
  const [, , head, first, second, rest] = report({ enrichments, deadLetters: [] }, samples).map((line) =>
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
  expect(rest).toEqual(['and 1 more alert']);
});

test('A dead letter cannot steer the terminal that shows it', () => {
  const letter = { reason: 'bad-json', detail: 'no\u0007 JSON', original: '\u001b[2J{\n\u009b1m' };
  const results: Results = { enrichments: new Map(), deadLetters: [letter] };
  expect(report(results, []).slice(-3).map(stripVTControlCharacters)).toEqual([
    'bad-json  {·',
    '  no· JSON',
    '',
  ]);
});
