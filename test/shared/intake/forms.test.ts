import { describe, expect, test } from 'vitest';
import type { Submission } from '#shared/intake/submission.ts';
import {
  ALERT_ID,
  asDelivered,
  base64,
  MACHINE_ID,
  MESSAGE_ID,
  NOW,
  read,
  sample,
  TENANT_ID,
} from './support.ts';

const fresh = { firstSeen: NOW.toISOString(), attempts: 0, notFoundAnswers: 0, deferrals: 0 };

/** What every sample comes to; the submission ID is left to its own tests. */
const expected: Record<string, Partial<Submission>[]> = {
  alertObject: [
    {
      alertId: ALERT_ID,
      correlationId: 'INC-2041',
      machineId: MACHINE_ID,
      tenantId: TENANT_ID,
      metadata: { playbook: 'Enrich-Device', ticket: { queue: 'tier1', number: 2041 } },
      refresh: true,
      ...fresh,
    },
  ],
  alertIds: [ALERT_ID, 'da637308392288907382_-880718168', '636688558380765161_2136280442'].map((alertId) => ({
    alertId,
    correlationId: '2041',
    tenantId: TENANT_ID,
    metadata: { playbook: 'Enrich-Incident' },
    ...fresh,
  })),
  defenderAlert: [{ alertId: ALERT_ID, machineId: MACHINE_ID, tenantId: TENANT_ID, ...fresh }],
  graphAlert: [
    {
      alertId: 'daefa1828b-dd4e-405c-8a3b-aa28596830dd_1',
      machineId: MACHINE_ID,
      tenantId: TENANT_ID,
      correlationId: '28282',
      ...fresh,
    },
  ],
  sentinelRow: [{ alertId: ALERT_ID, ...fresh }],
  sentinelEntity: [{ alertId: ALERT_ID, ...fresh }],
  cloudEvent: [
    {
      alertId: ALERT_ID,
      machineId: MACHINE_ID,
      correlationId: '9aeb0fdf-c01e-0131-0922-9eb54906e209',
      ...fresh,
    },
  ],
  cloudEventBase64: [{ alertId: ALERT_ID, correlationId: 'INC-2041', ...fresh }],
  eventGridEvent: [
    {
      alertId: ALERT_ID,
      machineId: MACHINE_ID,
      tenantId: TENANT_ID,
      correlationId: '1807a2b3-5d4e-4f6a-8b9c-0d1e2f3a4b5c',
      ...fresh,
    },
  ],
  envelope: [
    {
      alertId: ALERT_ID,
      submissionId: '7d4cfe92-35d6-4b7d-b30c-1a2b3c4d5e6f.3',
      correlationId: 'INC-2041',
      firstSeen: '2026-02-10T08:12:45.000Z',
      attempts: 1,
      notFoundAnswers: 1,
      deferrals: 2,
      inLine: true,
    },
  ],
};

describe.each(Object.keys(expected))('the sample %s', (name) => {
  const text = sample(name);
  const encodings: [string, unknown][] = [
    ['parsed by the library', asDelivered(text)],
    ['as text behind a byte order mark and white space', `\uFEFF  ${text}\r\n`],
    ['as base64', base64(text)],
    ['as base64 of text with a byte order mark', base64(`\uFEFF${text}`)],
    ['as base64 in white space', ` ${base64(text)}\n`],
  ];

  test.each(encodings)('is understood %s', (_encoding, body) => {
    const intake = read(body);
    expect(intake.rejections).toEqual([]);
    const submissions = intake.submissions.map(({ submissionId, ...rest }) =>
      name === 'envelope' ? { submissionId, ...rest } : rest,
    );
    expect(submissions).toStrictEqual(expected[name]);
  });
});

describe('a bare alert ID', () => {
  const known = [
    ALERT_ID,
    '636688558380765161_2136280442',
    'da637308392288907382_-880718168',
    'ri001122334455667788_-0123456789',
    'daefa1828b-dd4e-405c-8a3b-aa28596830dd_1',
    'efa1828b-dd4e-405c-8a3b-aa28596830dd_1',
    'caD70CFEE2-1F54-32DB-9988-3A868A1EBFAC',
    'fa123a456b-c789-1d2e-12f1g33h445h6i',
    'zz999_of_a_prefix_not_known_yet',
  ];

  test.each(known)('%s is taken as text, as a JSON string and as base64 of both', (alertId) => {
    for (const text of [
      alertId,
      ` ${alertId}\n`,
      JSON.stringify(alertId),
      base64(alertId),
      base64(`"${alertId}"`),
    ]) {
      expect(read(asDelivered(text))).toEqual({
        submissions: [{ alertId, submissionId: MESSAGE_ID, ...fresh }],
        rejections: [],
        identity: { messageId: MESSAGE_ID },
      });
    }
  });

  test('that happens to be canonical base64 of rubbish stays an alert ID', () => {
    expect(read('abcdefgh').submissions).toMatchObject([{ alertId: 'abcdefgh' }]);
  });

  test('in an event is taken from text, a JSON text and base64', () => {
    const event = { specversion: '1.0', id: 'e1', source: '/contoso', type: 't' };
    for (const data of [ALERT_ID, JSON.stringify({ alertId: ALERT_ID }), base64(ALERT_ID)]) {
      expect(read({ ...event, data }).submissions).toMatchObject([
        { alertId: ALERT_ID, correlationId: 'e1' },
      ]);
    }
    expect(read({ ...event, data_base64: base64(ALERT_ID) }).submissions).toMatchObject([
      { alertId: ALERT_ID },
    ]);
  });
});

describe('the object form', () => {
  test('takes null and empty text as absent', () => {
    const blank = { correlationId: null, machineId: '', tenantId: null, metadata: null, refresh: null };
    expect(read({ alertId: ALERT_ID, alertIds: null, ...blank }).submissions).toStrictEqual([
      { alertId: ALERT_ID, submissionId: MESSAGE_ID, ...fresh },
    ]);
  });

  test('does not let a __proto__ field reach any prototype', () => {
    const body = JSON.parse(
      `{"alertId":"${ALERT_ID}","__proto__":{"refresh":true},"metadata":{"__proto__":{"a":1}}}`,
    );
    const [submission] = read(body).submissions;
    expect(submission).toMatchObject({ alertId: ALERT_ID });
    expect(submission?.refresh).toBeUndefined();
    expect(({} as Record<string, unknown>).a).toBeUndefined();
  });
});

describe('an alert of MDE or Graph', () => {
  test('is taken without hints that are missing or not sound', () => {
    const hostile = { machineId: '../../machines', aadTenantId: 7, severity: 'High' };
    expect(read({ id: ALERT_ID, ...hostile }).submissions).toStrictEqual([
      { alertId: ALERT_ID, submissionId: expect.any(String), ...fresh },
    ]);
    expect(read({ id: ALERT_ID, providerAlertId: 'x', evidence: 'none' }).submissions).toHaveLength(1);
  });

  test('of Graph is known by its evidence alone, and without a primary device the first one counts', () => {
    const evidence = [null, { mdeDeviceId: 5 }, { mdeDeviceId: 'first' }, { mdeDeviceId: 'second' }];
    expect(read({ id: ALERT_ID, evidence }).submissions).toMatchObject([{ machineId: 'first' }]);
  });

  test('of Graph takes no device from the evidence of a file', () => {
    const file = { '@odata.type': '#microsoft.graph.security.fileEvidence', mdeDeviceId: MACHINE_ID };
    const [submission] = read({
      id: ALERT_ID,
      serviceSource: 'microsoftDefenderForEndpoint',
      evidence: [file],
    }).submissions;
    expect(submission).not.toHaveProperty('machineId');
  });
});

describe('a Sentinel alert', () => {
  const own = '6aaf30b9-4bbf-9a7a-32e1-1c9b3a5d8e0f';

  test('prefers the vendor ID to the provider ID', () => {
    const properties = { vendorOriginalId: ALERT_ID, providerAlertId: 'other', systemAlertId: own };
    expect(read({ kind: 'SecurityAlert', properties }).submissions).toMatchObject([{ alertId: ALERT_ID }]);
  });

  test.each([
    { SystemAlertId: own, ProductName: 'Microsoft 365 Defender' },
    { SystemAlertId: own, VendorOriginalId: own },
    { SystemAlertId: own, VendorOriginalId: '' },
    { kind: 'SecurityAlert', properties: { systemAlertId: own } },
    { kind: 'SecurityAlert', properties: { systemAlertId: own, providerAlertId: own } },
  ])("never gives Sentinel's own ID: %j", (body) => {
    expect(read(body)).toMatchObject({
      submissions: [],
      rejections: [
        { reason: 'bad-alert-id', detail: expect.stringMatching(/^the VendorOriginalId .* is missing/) },
      ],
    });
  });
});
