import { InvocationContext, type Timer } from '@azure/functions';
import { expect, test } from 'vitest';
import { createPollTenants } from '#functions/handlers/pollAlerts.ts';
import type { PollReport } from '#shared/polling/poller.ts';
import { CONTOSO, FABRIKAM, rowOf } from '../shared/tenants/tenants.ts';

const report: PollReport = {
  since: new Date(0),
  listed: 0,
  submitted: 0,
  known: 0,
  filtered: 0,
  invalid: 0,
  calls: 1,
  watermark: new Date(0),
  tookMs: 1,
};

/** Runs the timer once, over the home tenant and these customers. */
async function run(
  schedules: { home?: string; [tenantId: string]: string | undefined },
  { at, last = '', fails, error }: { at: string; last?: string; fails?: string; error?: Error },
) {
  const polled: string[] = [];
  const scopeOf = (tenantId: string | undefined) => ({
    tenant: tenantId === undefined ? undefined : rowOf(tenantId).tenant,
    settings: { polling: { schedule: schedules[tenantId ?? 'home'] } },
    poller: {
      async poll() {
        polled.push(tenantId ?? 'home');
        if (fails !== undefined && tenantId === fails) {
          throw new Error('the list is gone');
        }
        return report;
      },
    },
  });
  const customers = Object.keys(schedules).filter((name) => name !== 'home');
  const handler = createPollTenants({
    ...scopeOf(undefined),
    now: () => new Date(at),
    provisionStorage: async () => [],
    tenants: {
      customers: async () => {
        if (error !== undefined) {
          throw error;
        }
        return { scopes: customers.map(scopeOf) };
      },
    },
  });
  const events: Record<string, unknown>[] = [];
  const context = new InvocationContext({ logHandler: (_, text) => events.push(JSON.parse(String(text))) });
  const timer: Timer = {
    isPastDue: false,
    schedule: { adjustForDST: false },
    scheduleStatus: { last, next: '', lastUpdated: '' },
  };
  await handler(timer, context);
  return { polled: polled.sort(), events };
}

const EACH_FIVE = '0 */5 * * * *';
const EACH_HOUR = '0 0 * * * *';

test.each([
  ['2026-11-27T10:05:00.020Z', ['home']],
  ['2026-11-27T10:04:59.990Z', ['home']],
  ['2026-11-27T10:06:00.020Z', []],
  ['2026-11-27T11:00:00.020Z', [CONTOSO, 'home']],
])('at %s those are polled whose own schedule has a run: %j', async (at, expected) => {
  const schedules = { home: EACH_FIVE, [CONTOSO]: EACH_HOUR, [FABRIKAM]: undefined };
  const { polled, events } = await run(schedules, { at });
  expect(polled).toEqual(expected);
  expect(events.map(({ event, tenantId }) => [event, tenantId ?? 'home']).sort()).toEqual(
    expected.map((name) => ['poll', name]).sort(),
  );
});

test('a run that the timer missed is made up for', async () => {
  const { polled } = await run(
    { home: EACH_FIVE, [CONTOSO]: EACH_HOUR },
    { at: '2026-11-27T11:02:00Z', last: '2026-11-27T10:58:00Z' },
  );
  expect(polled).toEqual([CONTOSO, 'home']);
});

test('a pass that fails fails alone, and the log says whose it was', async () => {
  const { events } = await run(
    { home: EACH_FIVE, [CONTOSO]: EACH_FIVE, [FABRIKAM]: EACH_FIVE },
    { at: '2026-11-27T10:05:00Z', fails: CONTOSO },
  );
  expect(events).toHaveLength(3);
  expect(events).toContainEqual({
    event: 'poll_failed',
    tenantId: CONTOSO,
    detail: expect.stringContaining('the list is gone'),
  });
});

test('while the tenants cannot be read the home tenant is polled', async () => {
  const { polled, events } = await run(
    { home: EACH_FIVE, [CONTOSO]: EACH_FIVE },
    { at: '2026-11-27T10:05:00Z', error: new Error('down') },
  );
  expect(polled).toEqual(['home']);
  expect(events.map(({ event }) => event)).toEqual(['poll_failed', 'poll']);
});
