import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { CallGate, Permit, PermitDecision } from '#shared/quota/callGate.ts';
import { createDefenderAlertFeed } from '#shared/sources/defender/defenderAlertFeed.ts';
import type { ListReply } from '#shared/sources/defender/reply.ts';
import type { PageQuery } from '#shared/sources/pagedAlertFeed.ts';
import type { AlertBatch } from '#shared/sources/source.ts';
import { anyChange, createChangingList } from './changingList.ts';

const since = new Date('2026-11-23T12:00:00Z');
const later = new Date('2026-11-23T12:30:00Z');
const never = new AbortController().signal;

interface Script {
  answer: (query: PageQuery, token: string) => ListReply;
  admission?: PermitDecision;
  pageSize?: number;
  hasToken?: boolean;
  onlyWithRoles?: string[];
  tokenText?: string;
}

/** A token with these roles, as far as it is read. */
function withRoles(...roles: string[]): string {
  const claims = { aud: 'https://api.securitycenter.microsoft.com', roles, iat: 0, exp: 3_600 };
  return `head.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.signature`;
}

/** The feed before a scripted API, with a record of what it did. */
function feedWith({ answer, admission, pageSize = 10, hasToken = true, onlyWithRoles, tokenText }: Script) {
  const done: string[] = [];
  const batches: AlertBatch[] = [];
  let tokenNumber = 1;
  const gate: CallGate = {
    openCircuit: () => undefined,
    release: () => void done.push('release'),
    waitingSince: () => undefined,
    async acquire({ place, mayProbeCircuit }) {
      expect(mayProbeCircuit).toBe(false);
      done.push(place === 'last' ? 'acquire' : `acquire ${place}`);
      return admission ?? { kind: 'granted', probe: false, slot: 0 };
    },
    returned: () => void done.push('returned'),
    succeeded: async ({ probe }) => void done.push(probe === false ? 'succeeded' : `${probe} is over`),
    async throttled(retryAfterMs) {
      done.push(`throttled ${retryAfterMs}`);
      return { until: later };
    },
    async denied() {
      done.push('denied');
      return { until: later };
    },
  };
  const feed = createDefenderAlertFeed({
    gate,
    now: () => new Date(since.getTime() + 3 * 3_600_000),
    pageSize,
    ...(onlyWithRoles && { onlyWithRoles }),
    tokens: {
      async get() {
        if (!hasToken) {
          throw new Error('no identity');
        }
        return tokenText ?? `token-${tokenNumber}`;
      },
      async renew() {
        done.push('renew');
        tokenNumber += 1;
        return tokenText ?? `token-${tokenNumber}`;
      },
    },
    client: {
      async alertsUpdatedSince(query, token) {
        done.push(`list ${query.skip}`);
        return answer(query, token);
      },
    },
  });
  return {
    done,
    batches,
    list: (signal = never) => feed.listUpdatedSince(since, async (batch) => void batches.push(batch), signal),
    ids: () => batches.flatMap(({ alerts }) => alerts.map(({ alertId }) => alertId)),
  };
}

const list = (entries: unknown[], hasNextLink = false): ListReply => ({ kind: 'list', entries, hasNextLink });
const numbered = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, index) => ({
    id: `alert-${from + index}`,
    lastUpdateTime: '2026-11-23T12:10:00.1234567Z',
  }));

describe('a list that is deeper than the API shows', () => {
  /** One alert a second, of which a question shows the first `depth`. */
  const tenant = (count: number) =>
    Array.from({ length: count }, (_, index) => ({
      id: `alert-${index}`,
      lastUpdateTime: new Date(since.getTime() + index * 1_000).toISOString(),
    }));
  const answerOf = (all: { id: string; lastUpdateTime: string }[], depth: number) => (query: PageQuery) => {
    if (query.skip + query.top > depth) {
      return { kind: 'rejected', code: 'BadRequest', message: 'too deep' } as const;
    }
    const matches = all.filter(({ lastUpdateTime }) => {
      const time = Date.parse(lastUpdateTime);
      return time >= query.since.getTime() && (query.until === undefined || time < query.until.getTime());
    });
    return list(matches.slice(query.skip, query.skip + query.top));
  };

  test('is read whole, in windows of time that are halved where the depth is refused', async () => {
    const all = tenant(300);
    const { list: read, ids } = feedWith({ answer: answerOf(all, 60), pageSize: 20 });
    expect(await read()).toMatchObject({ end: { kind: 'complete' } });
    expect(new Set(ids())).toEqual(new Set(all.map(({ id }) => id)));
  });

  test('says how far it came when a later window fails', async () => {
    const all = tenant(300);
    const answer = answerOf(all, 60);
    const failing: typeof answer = (query) =>
      query.since.getTime() > since.getTime() && query.skip === 0 && query.until === undefined
        ? ({ kind: 'unavailable', detail: 'answered 503' } as never)
        : answer(query);
    const { list: read } = feedWith({ answer: failing, pageSize: 20 });
    const { end, listedUntil } = await read();
    expect(end.kind).toBe('unavailable');
    expect(listedUntil?.getTime()).toBeGreaterThan(since.getTime());
  });
});

describe('a list', () => {
  test('hands an alert over again that was updated between two pages', async () => {
    const updated = { id: 'alert-9', lastUpdateTime: '2026-11-23T12:20:00Z' };
    const { list: read, ids } = feedWith({
      answer: ({ skip }) => list(skip === 0 ? numbered(0, 10) : [...numbered(9, 12), updated]),
    });
    expect(await read()).toMatchObject({ end: { kind: 'complete' } });
    expect(ids().filter((id) => id === 'alert-9')).toHaveLength(2);
  });

  test('of one page costs one call, and the gate hears of it', async () => {
    const { list: read, done, ids } = feedWith({ answer: () => list(numbered(0, 9)) });
    expect(await read()).toEqual({ calls: 1, end: { kind: 'complete' } });
    expect(done).toEqual(['acquire first', 'list 0', 'returned', 'succeeded']);
    expect(ids()).toHaveLength(9);
  });

  test('of more is asked for in pages that overlap, up to a page that is not full', async () => {
    const all = numbered(0, 25);
    const answer = ({ since: from, top, skip }: PageQuery) => {
      expect([from, top]).toEqual([since, 10]);
      return list(all.slice(skip, skip + top));
    };
    const { list: read, done, ids } = feedWith({ answer });
    expect(await read()).toEqual({ calls: 3, end: { kind: 'complete' } });
    expect(done.filter((step) => step.startsWith('list'))).toEqual(['list 0', 'list 9', 'list 18']);
    expect(ids()).toEqual(all.map(({ id }) => id));
  });

  test('that ends with a full page takes one more call', async () => {
    const all = numbered(0, 10);
    const answer = ({ top, skip }: PageQuery) => list(all.slice(skip, skip + top));
    const { list: read, ids } = feedWith({ answer });
    expect(await read()).toEqual({ calls: 2, end: { kind: 'complete' } });
    expect(ids()).toEqual(all.map(({ id }) => id));
  });

  test('whose pages the service makes smaller is read to the page without a link', async () => {
    const all = numbered(0, 11);
    const answer = ({ skip }: PageQuery) => list(all.slice(skip, skip + 4), skip + 4 < all.length);
    const { list: read, done, ids } = feedWith({ answer });
    expect(await read()).toEqual({ calls: 4, end: { kind: 'complete' } });
    expect(done.filter((step) => step.startsWith('list'))).toEqual(['list 0', 'list 3', 'list 6', 'list 9']);
    expect(ids()).toEqual(all.map(({ id }) => id));
  });

  test('in pages of one alert is read to its end, but nothing proves that it is complete', async () => {
    const all = numbered(0, 3);
    const answer = ({ skip }: PageQuery) => list(all.slice(skip, skip + 1), skip + 1 < all.length);
    const { list: read, ids } = feedWith({ answer });
    expect(await read()).toMatchObject({ calls: 3, end: { kind: 'moved' } });
    expect(ids()).toEqual(all.map(({ id }) => id));
  });

  test('tells of each alert what a filter and a submission need', async () => {
    const entry = {
      id: 'da1_1',
      machineId: 'machine-1',
      aadTenantId: 'tenant-1',
      severity: 'High',
      status: 'New',
      detectionSource: 'WindowsDefenderAv',
      lastUpdateTime: '2026-11-23T12:10:00.1234567Z',
      title: 'not read',
    };
    const { list: read, batches } = feedWith({ answer: () => list([entry]) });
    await read();
    expect(batches[0]?.alerts).toEqual([
      {
        alertId: 'da1_1',
        machineId: 'machine-1',
        tenantId: 'tenant-1',
        severity: 'High',
        status: 'New',
        detectionSource: 'WindowsDefenderAv',
        updatedAt: new Date('2026-11-23T12:10:00.123Z'),
      },
    ]);
  });

  test('may hold entries of the wrong shape: they are counted, and the others come through', async () => {
    const odd = [null, 7, 'text', [], {}, { id: 5 }, { id: null }];
    const loose = { id: 'da1_1', machineId: 4, severity: null, lastUpdateTime: 'yesterday' };
    const { list: read, batches } = feedWith({ answer: () => list([...odd, loose]) });
    expect(await read()).toMatchObject({ end: { kind: 'complete' } });
    expect(batches).toMatchObject([{ invalid: 7, alerts: [{ alertId: 'da1_1', updatedAt: undefined }] }]);
  });
});

describe('a listing ends', () => {
  test.for<[ListReply, string, string[]]>([
    [{ kind: 'throttled', retryAfterMs: 8_000, detail: '429' }, 'throttled', ['throttled 8000']],
    [{ kind: 'unavailable', detail: 'answered 500' }, 'unavailable', []],
    [{ kind: 'rejected', code: 'ODataError', message: 'bad filter' }, 'rejected', ['succeeded']],
    [{ kind: 'not_found', detail: '404' }, 'not_found', ['succeeded']],
    [{ kind: 'unauthorized', detail: '401' }, 'denied', ['renew', 'acquire first', 'list 0', 'returned']],
  ])('with %o', async ([reply, kind, afterwards]) => {
    const { list: read, done, batches } = feedWith({ answer: () => reply });
    expect((await read()).end).toMatchObject({ kind, detail: expect.any(String) });
    expect(done).toEqual(['acquire first', 'list 0', 'returned', ...afterwards]);
    expect(batches).toEqual([]);
  });

  test('with 403 for want of its role, which stops no look-ups, and the next one has a new token', async () => {
    const { list: read, done } = feedWith({
      answer: () => ({ kind: 'forbidden', code: 'Forbidden', detail: 'answered 403' }),
    });
    expect((await read()).end).toEqual({
      kind: 'forbidden',
      detail: expect.stringMatching(/answered 403.*Alert\.Read\.All/),
    });
    expect(done).toEqual(['acquire first', 'list 0', 'returned', 'renew']);
  });

  test('with no call where the role is wanted for one and no token has it', async () => {
    const { list: read, done } = feedWith({
      answer: () => list([]),
      onlyWithRoles: ['Alert.Read.All'],
      tokenText: withRoles('Machine.Read.All'),
    });
    expect(await read()).toMatchObject({ calls: 0, end: { kind: 'forbidden' } });
    expect(done).toEqual(['renew']);
    const granted = feedWith({
      answer: () => list([]),
      onlyWithRoles: ['Alert.Read.All'],
      tokenText: withRoles('Alert.Read.All'),
    });
    expect(await granted.list()).toMatchObject({ calls: 1, end: { kind: 'complete' } });
  });

  test('without a token, which stops no look-ups either', async () => {
    const { list: read, done } = feedWith({ answer: () => list([]), hasToken: false });
    expect(await read()).toMatchObject({
      calls: 0,
      end: { kind: 'denied', detail: expect.stringContaining('no identity') },
    });
    expect(done).toEqual([]);
  });

  test.for([1, 2])('at page %i when that is empty and says that more follow', async (emptyPage) => {
    const answer = ({ skip }: PageQuery) => list(emptyPage === 2 && skip === 0 ? numbered(0, 10) : [], true);
    const { list: read } = feedWith({ answer });
    expect(await read()).toMatchObject({
      calls: emptyPage,
      end: { kind: 'unavailable', detail: expect.stringContaining('empty page') },
    });
  });

  test.for<Exclude<PermitDecision, Permit>>([
    { kind: 'wait', reason: 'throttled', until: later, inLine: false, detail: 'paused' },
    { kind: 'denied', until: later, detail: 'the circuit is open' },
  ])('without a call when the gate says $kind', async (admission) => {
    const { list: read, done } = feedWith({ answer: () => list([]), admission });
    expect(await read()).toMatchObject({ calls: 0, end: { detail: admission.detail } });
    expect(done).toEqual(['acquire first']);
  });

  test('before the next page when the time is up', async () => {
    const deadline = new AbortController();
    const answer = () => {
      deadline.abort();
      return list(numbered(0, 10));
    };
    const { list: read } = feedWith({ answer });
    expect(await read(deadline.signal)).toMatchObject({ calls: 1, end: { kind: 'deadline' } });
  });

  test('as moved when two pages have nothing in common', async () => {
    const answer = ({ skip }: PageQuery) => list(skip === 0 ? numbered(0, 10) : numbered(12, 20));
    expect((await feedWith({ answer }).list()).end).toMatchObject({ kind: 'moved' });
  });
});

describe('a list that is the probe', () => {
  test('of a pause ends it, whether or not it finds something', async () => {
    const { list: read, done } = feedWith({
      answer: () => list([]),
      admission: { kind: 'granted', probe: 'pause', slot: 0 },
    });
    expect(await read()).toMatchObject({ end: { kind: 'complete' } });
    expect(done).toEqual(['acquire first', 'renew', 'list 0', 'returned', 'pause is over']);
  });

  test.for<['pause' | 'circuit', ListReply['kind'], ListReply]>([
    ['pause', 'forbidden', { kind: 'forbidden', code: 'Forbidden', detail: '403' }],
    ['circuit', 'forbidden', { kind: 'forbidden', code: 'Forbidden', detail: '403' }],
    ['circuit', 'unauthorized', { kind: 'unauthorized', detail: '401' }],
  ])('of the %s never counts as a refused look-up: %s', async ([probe, , reply]) => {
    const { list: read, done } = feedWith({
      answer: () => reply,
      admission: { kind: 'granted', probe, slot: 0 },
    });
    await read();
    expect(done).not.toContain('denied');
    expect(done).not.toContain(`${probe} is over`);
  });
});

test('whatever changes between pages, a complete listing has every alert that did not change', async () => {
  const scenario = fc.record({
    length: fc.integer({ min: 0, max: 60 }),
    pageSize: fc.integer({ min: 2, max: 20 }),
    servicePageSize: fc.integer({ min: 2, max: 40 }),
    betweenPages: fc.array(fc.array(anyChange, { maxLength: 6 }), { maxLength: 12 }),
  });
  const ends: Record<string, number> = {};
  await fc.assert(
    fc.asyncProperty(scenario, async ({ length, pageSize, servicePageSize, betweenPages }) => {
      let time = later.getTime();
      const tenant = createChangingList(length, () => time);
      const before = new Set(tenant.entries);
      const changes = betweenPages.values();
      const answer = (query: PageQuery) => {
        const top = Math.min(query.top, servicePageSize);
        const following = tenant.page({ ...query, skip: query.skip + top });
        const page = list(tenant.page({ ...query, top }), top < query.top && following.length > 0);
        time += 1_000;
        for (const change of changes.next().value ?? []) {
          tenant.change(change);
        }
        return page;
      };
      const { list: read, ids } = feedWith({ answer, pageSize });
      const { end } = await read();
      ends[end.kind] = (ends[end.kind] ?? 0) + 1;
      if (end.kind !== 'complete') {
        return;
      }
      const unchanged = tenant.entries.filter((entry) => before.has(entry)).map(({ id }) => id);
      expect(ids()).toEqual(expect.arrayContaining(unchanged));
    }),
    { numRuns: 2_000 },
  );
  // Otherwise the property says nothing.
  expect(ends.complete).toBeGreaterThan(200);
  expect(ends.moved).toBeGreaterThan(50);
});
