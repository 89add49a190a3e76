import { describe, expect, test } from 'vitest';
import { createGraphAlertFeed } from '#shared/sources/graph/graphAlertFeed.ts';
import type { AlertListReply } from '#shared/sources/graph/graphReply.ts';
import type { PageQuery } from '#shared/sources/pagedAlertFeed.ts';
import { openGate } from './graphWorld.ts';

const since = new Date('2026-11-23T12:00:00Z');
const never = new AbortController().signal;

interface Entry {
  id: string;
  lastUpdateDateTime: string;
  evidence: unknown[];
}

/** A tenant with one alert each `stepMs`; entry by entry in the order of update, the oldest first. */
function tenant(count: number, stepMs: number): Entry[] {
  const evidence = [
    { '@odata.type': '#microsoft.graph.security.deviceEvidence', mdeDeviceId: 'a'.repeat(40) },
  ];
  return Array.from({ length: count }, (_, index) => ({
    id: `alert-${index}`,
    lastUpdateDateTime: new Date(since.getTime() + index * stepMs).toISOString(),
    evidence,
  }));
}

/** The feed before an API that answers from `alerts` as Graph does. */
function feedOn(alerts: Entry[], onPage: (query: PageQuery) => AlertListReply | undefined = () => undefined) {
  const queries: PageQuery[] = [];
  const ids: string[] = [];
  const feed = createGraphAlertFeed({
    gate: openGate().gate,
    tokens: { get: async () => 'token', renew: async () => 'token' },
    now: () => new Date(since.getTime() + 3_600_000),
    client: {
      async alertsUpdatedSince(query): Promise<AlertListReply> {
        queries.push(query);
        const scripted = onPage(query);
        if (scripted !== undefined) {
          return scripted;
        }
        if (query.skip + query.top > 6_000) {
          return { kind: 'rejected', code: 'BadRequest', message: 'too deep' };
        }
        const entries = alerts.filter(({ lastUpdateDateTime }) => {
          const time = Date.parse(lastUpdateDateTime);
          const isBefore = query.until === undefined || time < query.until.getTime();
          return time >= query.since.getTime() && isBefore;
        });
        const page = entries.slice(query.skip, query.skip + query.top);
        return { kind: 'list', entries: page, hasNextLink: query.skip + query.top < entries.length };
      },
    },
  });
  const list = () =>
    feed.listUpdatedSince(
      since,
      async (batch) => void ids.push(...batch.alerts.map((a) => a.alertId)),
      never,
    );
  return { list, queries, ids };
}

describe('a list of Graph', () => {
  test('of 10,000 alerts takes a call for each 1,000: a page begins where the one before ended', async () => {
    const { list, queries, ids } = feedOn(tenant(10_000, 60));
    expect(await list()).toMatchObject({ end: { kind: 'complete' }, calls: 11 });
    expect(queries.every(({ skip }) => skip === 0)).toBe(true);
    expect(ids).toHaveLength(10_000);
    expect(new Set(ids).size).toBe(10_000);
  });

  test('goes on by places where a whole page was updated at the same time', async () => {
    const { list, ids } = feedOn([
      ...tenant(2_500, 0),
      ...tenant(1_500, 10).map((a) => ({ ...a, id: `b-${a.id}` })),
    ]);
    expect(await list()).toMatchObject({ end: { kind: 'complete' } });
    expect(new Set(ids).size).toBe(4_000);
  });

  test('in another order is read by pages that overlap, and never beyond 6,000 places', async () => {
    const { list, queries, ids } = feedOn(tenant(9_000, 60).reverse());
    expect(await list()).toMatchObject({ end: { kind: 'complete' } });
    expect(Math.max(...queries.map(({ skip, top }) => skip + top))).toBeLessThanOrEqual(6_000);
    expect(new Set(ids).size).toBe(9_000);
  });

  test('misses no alert that stays as it is while others are updated', async () => {
    const alerts = tenant(3_000, 60);
    let updates = 0;
    const { list, ids } = feedOn(alerts, () => {
      const [alert] = alerts.splice(500, 1);
      updates += 1;
      const lastUpdateDateTime = new Date(since.getTime() + 3_000_000 + updates).toISOString();
      alerts.push({ ...(alert as Entry), lastUpdateDateTime });
      return undefined;
    });
    expect(await list()).toMatchObject({ end: { kind: 'complete' } });
    expect(new Set(ids).size).toBe(3_000);
  });

  test('says how far it came when a page fails', async () => {
    const { list } = feedOn(tenant(3_000, 60), ({ since: from }) =>
      from > since ? { kind: 'unavailable', detail: 'answered 503' } : undefined,
    );
    const lastOfPage = new Date(since.getTime() + 999 * 60);
    expect(await list()).toMatchObject({ end: { kind: 'unavailable' }, listedUntil: lastOfPage });
  });
});
