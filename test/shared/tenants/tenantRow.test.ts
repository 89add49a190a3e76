import { describe, expect, test } from 'vitest';
import { readTenant, settingsOf, type Tenant, tenantColumns } from '#shared/tenants/tenantRow.ts';
import { settingsWith } from '../config/problems.ts';

const id = 'aaaaaaaa-1111-4222-8333-444444444444';
const caller = 'bbbbbbbb-1111-4222-8333-444444444444';
const settings = settingsWith({});

const contoso: Tenant = {
  id,
  name: 'Contoso',
  enabled: true,
  callers: [caller],
  overrides: {
    source: 'graph',
    geo: 'eu',
    rateLimits: '50/1m',
    quotaShare: '0.5',
    pollSchedule: '0 */10 * * * *',
    pollSeverities: 'High',
    pollStatuses: 'New',
    pollDetectionSources: 'WindowsDefenderAtp',
    reuseFor: '1h',
  },
};

describe("a tenant's row", () => {
  test('is read back as it was written', () => {
    expect(readTenant(tenantColumns(contoso), settings)).toEqual({ ok: true, value: contoso });
  });

  test('needs nothing but the tenant ID', () => {
    expect(readTenant({ rowKey: id, etag: 'x', Timestamp: new Date() }, settings)).toEqual({
      ok: true,
      value: { id, name: undefined, enabled: true, callers: [], overrides: {} },
    });
  });

  test('may be written by hand, in whichever of the types of the table', () => {
    const columns = {
      rowKey: id,
      name: '',
      enabled: 'False',
      callers: ` ${caller.toUpperCase()}, `,
      quotaShare: 0.5,
    };
    expect(readTenant(columns, settings)).toEqual({
      ok: true,
      value: { id, name: undefined, enabled: false, callers: [caller], overrides: { quotaShare: '0.5' } },
    });
  });

  test.each([
    ['rowKey', 'contoso.com', 'tenant ID (GUID) in lower case'],
    ['rowKey', id.toUpperCase(), 'tenant ID (GUID) in lower case'],
    ['name', 'x'.repeat(201), 'up to 200 characters'],
    ['name', 'a\nb', 'in one line'],
    ['enabled', 'yes', '`true`, `false`'],
    ['callers', 'the portal', 'application or object IDs'],
    ['source', 'sentinel', '`defender`, `graph`, `auto`'],
    ['geo', 'mars', '`us`, `eu`'],
    ['rateLimits', 'many', 'calls/window'],
    ['quotaShare', 2, 'above 0 and up to 1'],
    ['quotaShare', '0.001', 'leaves at least one call in each window'],
    ['pollSchedule', 'hourly', 'NCRONTAB'],
    ['pollSeverities', 'Hihg', 'Did you mean High?'],
    ['pollStatuses', 'Old', 'New'],
    ['reuseFor', 'long', 'a duration'],
    ['reuseFor', new Date(0), 'a text'],
  ])('with a wrong %s (%j) is broken and says what is allowed', (column, value, allowed) => {
    const columns = { rowKey: id, [column]: value };
    expect(readTenant(columns, settings)).toEqual({
      ok: false,
      error: {
        id: column === 'rowKey' ? String(value).toLowerCase() : id,
        callers: [],
        damage: expect.stringMatching(new RegExp(`^Column "${column}" got .*${escaped(allowed)}`)),
      },
    });
  });

  test('names every wrong column at once', () => {
    const damage = 'Column "geo" got "mars"';
    const columns = { rowKey: id, geo: 'mars', reuseFor: 'long' };
    expect(readTenant(columns, settings)).toMatchObject({
      error: { damage: expect.stringMatching(new RegExp(`^${damage}.* Column "reuseFor" got "long"`)) },
    });
  });
});

function escaped(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
}

describe("a tenant's settings", () => {
  test('are those of the deployment where the row says nothing', () => {
    const deployment = settingsWith({ REUSE_FOR: '5m', DEFENDER_GEO: 'uk', ALERT_POLL_SEVERITIES: 'Low' });
    expect(settingsOf(deployment, { overrides: {} })).toEqual({ ok: true, value: deployment });
  });

  test('have what the row says in place of that', () => {
    const deployment = settingsWith({ REUSE_FOR: '5m', DEFENDER_RATE_LIMITS: '20/1m', MAX_AGE: '1h' });
    expect(settingsOf(deployment, contoso)).toMatchObject({
      ok: true,
      value: {
        sourceChoice: 'graph',
        source: {
          apiUrl: 'https://eu.api.security.microsoft.com',
          rateLimits: [{ calls: 50, windowMs: 60_000 }],
          quotaShare: 0.5,
        },
        polling: {
          schedule: '0 */10 * * * *',
          filter: { severities: ['High'], statuses: ['New'], detectionSources: ['WindowsDefenderAtp'] },
        },
        timing: { reuseForMs: 3_600_000, maxAgeMs: 3_600_000 },
      },
    });
  });

  test('obey the rules between a column and a setting', () => {
    const government = settingsWith({ DEFENDER_CLOUD: 'gcc-high' });
    expect(settingsOf(government, { overrides: { geo: 'eu' } })).toEqual({
      ok: false,
      error: expect.stringMatching(/^Column "geo" got "eu"; allowed: .*`commercial` only/),
    });
  });
});
