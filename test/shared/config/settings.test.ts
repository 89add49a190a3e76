import { describe, expect, test } from 'vitest';
import { SettingsError } from '#shared/config/setting.ts';
import { readSettings } from '#shared/config/settings.ts';
import { problemsOf, problemsWith, settingsWith } from './problems.ts';

describe('readSettings', () => {
  test('needs nothing but a storage connection', () => {
    expect(readSettings({ AlertsStorage: 'UseDevelopmentStorage=true' })).toEqual({
      queues: { alerts: 'alerts', poison: 'alerts-poison', enrichments: 'enrichments' },
      tables: { enrichments: 'AlertEnrichments', state: 'EnrichmentState' },
      storage: { kind: 'connectionString', connectionString: 'UseDevelopmentStorage=true' },
      source: {
        apiUrl: 'https://api.securitycenter.microsoft.com',
        tokenScope: 'https://api.securitycenter.microsoft.com/.default',
        clientId: undefined,
        rateLimits: [
          { calls: 100, windowMs: 60_000 },
          { calls: 1_500, windowMs: 3_600_000 },
        ],
        quotaShare: 1,
      },
      graph: {
        apiUrl: 'https://graph.microsoft.com',
        tokenScope: 'https://graph.microsoft.com/.default',
        rateLimits: [{ calls: 120, windowMs: 60_000 }],
        huntingRateLimits: [{ calls: 20, windowMs: 60_000 }],
      },
      sourceChoice: 'defender',
      bulkLookups: true,
      development: false,
      timing: {
        notFoundRetriesMs: [30_000, 120_000, 600_000],
        retryBaseDelayMs: 5_000,
        inProcessWaitMs: 20_000,
        claimExpiryMs: 150_000,
        reuseForMs: 900_000,
        maxAgeMs: 86_400_000,
        localHostLeaseMs: 600_000,
      },
      message: { summary: false, formats: ['sentinel'] },
      output: { envelope: 'plain', appName: undefined },
      http: { authorization: 'key' },
      telemetry: { kind: 'off' },
      polling: { schedule: undefined, filter: { severities: [], statuses: [], detectionSources: [] } },
      tenants: { table: 'Tenants', app: undefined },
      given: { AlertsStorage: 'UseDevelopmentStorage=true' },
    });
  });

  test('takes an empty setting for one that is not set', () => {
    const empty = { ALERTS_QUEUE: '', DEFENDER_GEO: '', NOT_FOUND_RETRIES: '', DEFENDER_WHATEVER: '' };

    expect(settingsWith(empty)).toEqual(settingsWith({}));
  });

  test('leaves the rest of the environment alone', () => {
    expect(settingsWith({ PATH: '/bin', defender: 'x', ALERTS_QUEUES: 'x' })).toEqual(settingsWith({}));
  });

  test('lists every wrong setting at once, in the order of the documentation, over all groups', () => {
    const environment = {
      MAX_AGE: 'old',
      CLAIM_EXPIRY: '1s',
      DEFENDER_CLOUD: 'moon',
      DEFENDER_QUOTA_SHARE: '0.001',
      STATE_TABLE: 'AlertEnrichments',
      ALERTS_QUEUE: 'Alerts',
      DEFENDER_CLUOD: 'gcc',
    };

    expect(() => readSettings(environment)).toThrow(SettingsError);
    expect(Object.keys(problemsOf(environment))).toEqual([
      'ALERTS_QUEUE',
      'STATE_TABLE',
      'AlertsStorage',
      'DEFENDER_CLOUD',
      'DEFENDER_QUOTA_SHARE',
      'CLAIM_EXPIRY',
      'MAX_AGE',
      'DEFENDER_CLUOD',
    ]);
  });

  test('puts all problems into the message of the error', () => {
    const read = () => settingsWith({ ALERTS_QUEUE: 'Alerts', MAX_AGE: '0' });

    expect(read).toThrow(
      [
        '2 settings are wrong:',
        '- ALERTS_QUEUE: got "Alerts"; allowed: 3 to 56 characters: lower-case letters, digits and single hyphens, with a letter or digit at both ends.',
        '- MAX_AGE: got "0"; allowed: a duration from `1ms` to `365d`.',
      ].join('\n'),
    );
  });

  test('speaks of one setting in the singular', () => {
    expect(() => settingsWith({ MAX_AGE: '0' })).toThrow(/^One setting is wrong:\n- MAX_AGE: /);
  });

  test('cuts a long value short and keeps line ends out of the message', () => {
    const { MAX_AGE } = problemsWith({ MAX_AGE: `\n${'9'.repeat(10_000)}` });

    expect(MAX_AGE).toMatch(/^got "\\n9{119}" \(cut short\); allowed: /);
  });

  test.each([
    ['DEFENDER_CLOUDS', 'DEFENDER_CLOUD'],
    ['DEFENDER_API_URI', 'DEFENDER_API_URL'],
    ['DEFENDER_RATE_LIMIT', 'DEFENDER_RATE_LIMITS'],
  ])('takes %s for a slip of the pen', (name, nearest) => {
    expect(problemsWith({ [name]: 'x' })).toEqual({
      [name]: `there is no such setting; did you mean ${nearest}? Rename or remove it.`,
    });
  });
});

describe('the names of queues and tables', () => {
  test.each(['abc', 'a-b-c', '123', 'q'.repeat(56)])('may be %s for the alerts queue', (name) => {
    expect(settingsWith({ ALERTS_QUEUE: name }).queues).toMatchObject({
      alerts: name,
      poison: `${name}-poison`,
    });
  });

  test.each(['ab', 'Abc', '-abc', 'abc-', 'a--b', 'a_b', 'a b', 'abc\n', 'q'.repeat(57)])(
    'may not be %j for the alerts queue',
    (name) => {
      expect(problemsWith({ ALERTS_QUEUE: name })).toEqual({
        ALERTS_QUEUE: expect.stringContaining(`got ${JSON.stringify(name)}; allowed: 3 to 56 characters`),
      });
    },
  );

  test('may be longer for the enrichments queue, which has no poison queue', () => {
    expect(settingsWith({ ENRICHMENTS_QUEUE: 'q'.repeat(63) }).queues.enrichments).toHaveLength(63);
    expect(problemsWith({ ENRICHMENTS_QUEUE: 'q'.repeat(64) })).toEqual({
      ENRICHMENTS_QUEUE: expect.stringContaining('3 to 63 characters'),
    });
  });

  test.each(['alerts', 'alerts-poison'])(
    'keep enrichments out of %s, where they would be taken for alerts or dead letters',
    (name) => {
      expect(problemsWith({ ENRICHMENTS_QUEUE: name })).toEqual({
        ENRICHMENTS_QUEUE: expect.stringMatching(
          /^got ".*"; allowed: .*; neither the alerts queue nor its `-poison` queue\.$/,
        ),
      });
    },
  );

  test.each(['abc', 'A12', 't'.repeat(63)])('may be %s for a table', (name) => {
    expect(settingsWith({ ENRICHMENTS_TABLE: name, STATE_TABLE: 'other' }).tables.enrichments).toBe(name);
    expect(settingsWith({ STATE_TABLE: name }).tables.state).toBe(name);
  });

  test.each(['ab', '1ab', 'a-b', 'a_b', 'täble', 'Tables', 't'.repeat(64)])(
    'may not be %j for a table',
    (name) => {
      expect(problemsWith({ ENRICHMENTS_TABLE: name, STATE_TABLE: name })).toEqual({
        ENRICHMENTS_TABLE: `got ${JSON.stringify(name)}; allowed: 3 to 63 letters and digits, a letter first; not "tables", which is reserved.`,
        STATE_TABLE: `got ${JSON.stringify(name)}; allowed: 3 to 63 letters and digits, a letter first; not "tables", which is reserved; not the enrichments table.`,
      });
    },
  );

  test('are told apart in tables as Table Storage does, which knows no case', () => {
    expect(problemsWith({ ENRICHMENTS_TABLE: 'enrichmentSTATE' })).toEqual({
      STATE_TABLE: expect.stringContaining('got nothing, which means "EnrichmentState"; allowed: '),
    });
  });
});

describe('the timing settings', () => {
  test('are read into milliseconds', () => {
    const { timing } = settingsWith({
      NOT_FOUND_RETRIES: '10ms, 20ms',
      RETRY_BASE_DELAY: '50ms',
      IN_PROCESS_WAIT: '0',
      CLAIM_EXPIRY: '2s',
      REUSE_FOR: '0',
      MAX_AGE: '1m',
      LOCAL_HOST_LEASE_SECONDS: '2',
    });

    expect(timing).toEqual({
      notFoundRetriesMs: [10, 20],
      retryBaseDelayMs: 50,
      inProcessWaitMs: 0,
      claimExpiryMs: 2_000,
      reuseForMs: 0,
      maxAgeMs: 60_000,
      localHostLeaseMs: 2_000,
    });
  });

  test('may ask for an unknown alert only once', () => {
    expect(settingsWith({ NOT_FOUND_RETRIES: '0' }).timing.notFoundRetriesMs).toEqual([]);
  });

  test.each([
    ['NOT_FOUND_RETRIES', '30', 'durations from `1ms` to `7d` with commas between; `0` asks only once'],
    ['NOT_FOUND_RETRIES', '30s,', 'durations from `1ms` to `7d` with commas between; `0` asks only once'],
    ['NOT_FOUND_RETRIES', '0,30s', 'durations from `1ms` to `7d` with commas between; `0` asks only once'],
    ['NOT_FOUND_RETRIES', '30s,8d', 'durations from `1ms` to `7d` with commas between; `0` asks only once'],
    ['RETRY_BASE_DELAY', '0', 'a duration from `1ms` to `15m`'],
    ['RETRY_BASE_DELAY', '16m', 'a duration from `1ms` to `15m`'],
    ['IN_PROCESS_WAIT', '61s', 'a duration from `0` to `1m`'],
    ['IN_PROCESS_WAIT', '-1s', 'a duration from `0` to `1m`'],
    ['CLAIM_EXPIRY', '0', 'a duration from `1ms` to `7d`, longer than `IN_PROCESS_WAIT`'],
    ['CLAIM_EXPIRY', '20s', 'a duration from `1ms` to `7d`, longer than `IN_PROCESS_WAIT`'],
    ['CLAIM_EXPIRY', '169h', 'a duration from `1ms` to `7d`, longer than `IN_PROCESS_WAIT`'],
    ['REUSE_FOR', '366d', 'a duration from `0` to `365d`'],
    ['MAX_AGE', '0', 'a duration from `1ms` to `365d`'],
    ['LOCAL_HOST_LEASE_SECONDS', '0', 'whole seconds from 1 to 604800'],
    ['LOCAL_HOST_LEASE_SECONDS', '604801', 'whole seconds from 1 to 604800'],
    ['LOCAL_HOST_LEASE_SECONDS', '1.5', 'whole seconds from 1 to 604800'],
    ['LOCAL_HOST_LEASE_SECONDS', '10s', 'whole seconds from 1 to 604800'],
  ])('refuse %s=%s', (name, value, allowed) => {
    expect(problemsWith({ [name]: value })).toEqual({ [name]: `got "${value}"; allowed: ${allowed}.` });
  });
});

describe('the settings of the message', () => {
  test('turn the summary on and off', () => {
    expect(settingsWith({ ENRICHMENT_SUMMARY: 'on' }).message.summary).toBe(true);
    expect(settingsWith({ ENRICHMENT_SUMMARY: 'off' }).message.summary).toBe(false);
    expect(problemsWith({ ENRICHMENT_SUMMARY: 'yes' })).toEqual({
      ENRICHMENT_SUMMARY: 'got "yes"; allowed: `on`, `off`.',
    });
  });

  test.each([
    ['ocsf', ['ocsf']],
    ['sentinel, asim,ecs ,ocsf', ['ocsf', 'ecs', 'asim', 'sentinel']],
    ['ecs,ecs', ['ecs']],
    ['none', []],
  ])('choose the formats "%s"', (text, formats) => {
    expect(settingsWith({ ENRICHMENT_FORMATS: text }).message.formats).toEqual(formats);
  });

  test.each(['stix', 'ocsf,', 'ocsf,none', 'OCSF', ','])('know no formats "%s"', (text) => {
    expect(problemsWith({ ENRICHMENT_FORMATS: text })).toEqual({
      ENRICHMENT_FORMATS: `got "${text}"; allowed: \`ocsf\`, \`ecs\`, \`asim\`, \`sentinel\`, several with commas between; \`none\` for none.`,
    });
  });
});
