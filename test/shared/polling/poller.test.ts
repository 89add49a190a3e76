import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Submission } from '#shared/intake/submission.ts';
import { submitAll } from '#shared/pipeline/submitAll.ts';
import type { AlertFilter, StoredWatermark } from '#shared/polling/poller.ts';
import { createPoller } from '#shared/polling/poller.ts';
import { createDefenderAlertFeed } from '#shared/sources/defender/defenderAlertFeed.ts';
import type { AlertFeed, ListedAlert, ListingEnd } from '#shared/sources/source.ts';
import { anyChange, type Change, createChangingList } from '../sources/defender/changingList.ts';

const START = Date.parse('2026-11-23T12:00:00Z');
const MINUTE = 60_000;
const never = new AbortController().signal;
const noChanges: Change[][] = [];
const noFilter: AlertFilter = { severities: [], statuses: [], detectionSources: [] };

class Crash extends Error {}

/** Everything around a poller, in memory: it outlives the pollers that are created on it. */
function createSurroundings() {
  const submissions: Submission[] = [];
  const rows = new Set<string>();
  const reads: string[] = [];
  let stored: StoredWatermark = { watermark: undefined, etag: undefined };
  let time = START;
  let writes = 0;
  /** The process dies before its n-th step from now on. */
  let stepsLeft = Number.POSITIVE_INFINITY;

  async function step<T>(effect: () => T): Promise<T> {
    stepsLeft -= 1;
    if (stepsLeft < 0) {
      throw new Crash('the process died');
    }
    return effect();
  }

  return {
    submissions,
    rows,
    reads,
    now: () => new Date(time),
    pass: (milliseconds: number) => {
      time += milliseconds;
    },
    crashAfter: (steps: number) => {
      stepsLeft = steps;
    },
    watermark: () => stored.watermark,
    damage(detail: string) {
      stored = { ...stored, watermark: undefined, damage: detail };
    },
    setWatermark(watermark: Date) {
      stored = { watermark, etag: 'set' };
    },
    ids: () => submissions.map(({ alertId }) => alertId),
    startPoller(feed: AlertFeed, filter = noFilter) {
      return createPoller({
        feed,
        filter,
        now: () => new Date(time),
        watermarks: {
          read: () => step(() => stored),
          write: (state, etag) =>
            step(() => {
              if (etag !== stored.etag) {
                return undefined;
              }
              writes += 1;
              stored = { ...state, etag: String(writes) };
              return stored.etag;
            }),
        },
        hasRecord: (alertId) =>
          step(() => {
            reads.push(alertId);
            return rows.has(alertId);
          }),
        submit: (wanted) =>
          submitAll(wanted, async (submission) => {
            await step(() => submissions.push(submission));
            await step(() => rows.add(submission.alertId));
          }),
      });
    },
  };
}

function alert(changes: Partial<ListedAlert> = {}): ListedAlert {
  return {
    alertId: 'da1_1',
    machineId: undefined,
    tenantId: undefined,
    severity: 'High',
    status: 'New',
    detectionSource: 'WindowsDefenderAv',
    updatedAt: new Date(START - MINUTE),
    ...changes,
  };
}

/** A feed that lists the same each time. */
function feedOf(alerts: ListedAlert[], end: ListingEnd = { kind: 'complete' }, invalid = 0) {
  const asked: Date[] = [];
  const feed: AlertFeed = {
    async listUpdatedSince(since, take) {
      asked.push(since);
      await take({ alerts, invalid });
      return { end, calls: 1 };
    },
  };
  return { feed, asked };
}

describe('a new alert', () => {
  test('is submitted with its machine and tenant, under an ID that follows from its own', async () => {
    const { startPoller, submissions } = createSurroundings();
    const { feed } = feedOf([alert({ machineId: 'machine-1', tenantId: 'tenant-1' })]);
    await startPoller(feed).poll(never);
    expect(submissions).toEqual([
      {
        alertId: 'da1_1',
        submissionId: 'poll.da1_1',
        machineId: 'machine-1',
        tenantId: 'tenant-1',
        firstSeen: '2026-11-23T12:00:00.000Z',
        attempts: 0,
        notFoundAnswers: 0,
        deferrals: 0,
      },
    ]);
  });

  test('goes without a machine ID that is none', async () => {
    const { startPoller, submissions } = createSurroundings();
    await startPoller(feedOf([alert({ machineId: '../machine' })]).feed).poll(never);
    expect(submissions[0]?.machineId).toBeUndefined();
  });

  test('is submitted once, however often it is listed, by this process or the next', async () => {
    const { startPoller, ids, reads } = createSurroundings();
    const { feed } = feedOf([alert(), alert()]);
    const poller = startPoller(feed);
    expect(await poller.poll(never)).toMatchObject({ listed: 2, submitted: 1, known: 1 });
    expect(await poller.poll(never)).toMatchObject({ listed: 2, submitted: 0, known: 2 });
    expect(reads, 'the process remembers what it has just seen').toEqual(['da1_1']);
    expect(await startPoller(feed).poll(never)).toMatchObject({ submitted: 0, known: 2 });
    expect(ids()).toEqual(['da1_1']);
  });

  test('that somebody else has submitted is known', async () => {
    const { startPoller, ids, rows } = createSurroundings();
    rows.add('da1_1');
    expect(await startPoller(feedOf([alert()]).feed).poll(never)).toMatchObject({ known: 1 });
    expect(ids()).toEqual([]);
  });

  test('is submitted again, under the same ID, when the process died before it was recorded', async () => {
    const { startPoller, submissions, crashAfter } = createSurroundings();
    const { feed } = feedOf([alert()]);
    await startPoller(feed).poll(never);
    expect(submissions).toHaveLength(1);
    crashAfter(3);
    const { feed: second } = feedOf([alert({ alertId: 'da2_1' })]);
    await expect(startPoller(second).poll(never)).rejects.toThrow(Crash);
    crashAfter(Number.POSITIVE_INFINITY);
    await startPoller(second).poll(never);
    const twice = submissions.slice(1).map(({ submissionId }) => submissionId);
    expect(new Set(twice)).toEqual(new Set(['poll.da2_1']));
  });

  test('whose ID is no alert ID is left out, and the others go through', async () => {
    const { startPoller, ids } = createSurroundings();
    const { feed } = feedOf([alert({ alertId: '../etc' }), alert()], { kind: 'complete' }, 2);
    expect(await startPoller(feed).poll(never)).toMatchObject({ listed: 4, submitted: 1, invalid: 3 });
    expect(ids()).toEqual(['da1_1']);
  });

  test('with the longest ID that there may be gets a submission ID that may be', async () => {
    const { startPoller, submissions } = createSurroundings();
    await startPoller(feedOf([alert({ alertId: 'a'.repeat(128) })]).feed).poll(never);
    expect(submissions[0]?.submissionId).toHaveLength(128);
  });
});

describe('the filters', () => {
  test.for([
    [{ severities: ['High', 'Medium'] }, ['high', 'medium']],
    [{ statuses: ['InProgress'] }, ['medium']],
    [{ detectionSources: ['windowsdefenderatp'] }, ['medium', 'low']],
    [{ severities: ['Low'], detectionSources: ['WindowsDefenderAtp'] }, ['low']],
    [{}, ['high', 'medium', 'low', 'odd']],
  ] as const)('%o let through %o', async ([filter, expected]) => {
    const alerts = [
      alert({ alertId: 'high' }),
      alert({
        alertId: 'medium',
        severity: 'MEDIUM',
        status: 'inProgress',
        detectionSource: 'WindowsDefenderAtp',
      }),
      alert({ alertId: 'low', severity: 'Low', detectionSource: 'WindowsDefenderAtp' }),
      alert({ alertId: 'odd', severity: undefined, status: undefined, detectionSource: undefined }),
    ];
    const { startPoller, ids, reads } = createSurroundings();
    const report = await startPoller(feedOf(alerts).feed, { ...noFilter, ...filter }).poll(never);
    expect(ids()).toEqual(expected);
    expect(report).toMatchObject({ submitted: expected.length, filtered: 4 - expected.length });
    expect(reads, 'what is filtered costs no read').toEqual(expected);
  });
});

describe('the watermark', () => {
  test('begins at the first pass, and each pass looks back ten minutes further', async () => {
    const { startPoller, watermark } = createSurroundings();
    const { feed, asked } = feedOf([]);
    await startPoller(feed).poll(never);
    expect(watermark()).toEqual(new Date(START));
    expect(asked).toEqual([new Date(START - 10 * MINUTE)]);
  });

  test('is fixed by the first pass even when that cannot list', async () => {
    const { startPoller, watermark, pass } = createSurroundings();
    const { feed, asked } = feedOf([], { kind: 'forbidden', detail: 'no role' });
    const poller = startPoller(feed);
    expect(await poller.poll(never)).toMatchObject({ ended: 'forbidden', detail: 'no role' });
    pass(60 * MINUTE);
    await poller.poll(never);
    expect(watermark()).toEqual(new Date(START));
    expect(asked[1]).toEqual(new Date(START - 10 * MINUTE));
  });

  test.for([
    ['the latest update', 5, 5],
    ['the start of the pass, where an alert is newer', 20, 10],
    ['itself, where all is older', -5, 0],
  ] as const)('moves to %s', async ([, updatedMinute, expectedMinute]) => {
    const { startPoller, watermark, pass } = createSurroundings();
    await startPoller(feedOf([]).feed).poll(never);
    pass(10 * MINUTE);
    const { feed } = feedOf([alert({ updatedAt: new Date(START + updatedMinute * MINUTE) })]);
    const report = await startPoller(feed).poll(never);
    expect(watermark()).toEqual(new Date(START + expectedMinute * MINUTE));
    expect(report.watermark).toEqual(watermark());
  });

  test.for(['moved', 'deadline', 'throttled', 'denied', 'unavailable'] as const)(
    'stays when a pass ends early: %s',
    async (kind) => {
      const { startPoller, watermark, pass, ids } = createSurroundings();
      await startPoller(feedOf([]).feed).poll(never);
      pass(10 * MINUTE);
      const { feed } = feedOf([alert({ updatedAt: new Date(START + MINUTE) })], { kind, detail: 'why' });
      expect(await startPoller(feed).poll(never)).toMatchObject({ ended: kind, detail: 'why', submitted: 1 });
      expect(watermark()).toEqual(new Date(START));
      expect(ids()).toEqual(['da1_1']);
    },
  );

  test('that is damaged begins anew, and the report says so', async () => {
    const { startPoller, watermark, pass, damage } = createSurroundings();
    await startPoller(feedOf([]).feed).poll(never);
    damage('no date');
    pass(60 * MINUTE);
    expect(await startPoller(feedOf([]).feed).poll(never)).toMatchObject({ damage: 'no date' });
    expect(watermark()).toEqual(new Date(START + 60 * MINUTE));
    expect(await startPoller(feedOf([]).feed).poll(never)).not.toHaveProperty('damage');
  });

  test('that is ahead of the clock comes back to it', async () => {
    const { startPoller, watermark, setWatermark } = createSurroundings();
    setWatermark(new Date('2099-01-01T00:00:00Z'));
    const { feed, asked } = feedOf([]);
    await startPoller(feed).poll(never);
    expect(asked).toEqual([new Date(START - 10 * MINUTE)]);
    expect(watermark()).toEqual(new Date(START));
  });

  test('of another instance that was faster stays', async () => {
    const { startPoller, watermark, setWatermark, pass } = createSurroundings();
    await startPoller(feedOf([]).feed).poll(never);
    pass(10 * MINUTE);
    const theirs = new Date(START + 9 * MINUTE);
    const { feed } = feedOf([alert({ updatedAt: new Date(START + MINUTE) })]);
    const slow: AlertFeed = {
      async listUpdatedSince(...parameters) {
        setWatermark(theirs);
        return feed.listUpdatedSince(...parameters);
      },
    };
    await startPoller(slow).poll(never);
    expect(watermark()).toEqual(theirs);
  });
});

test('a failure of our own storage ends the pass as such, and the next one makes up for it', async () => {
  const { startPoller, ids, crashAfter, watermark } = createSurroundings();
  const alerts = Array.from({ length: 40 }, (_, index) => alert({ alertId: `da${index}_1` }));
  const { feed } = feedOf(alerts);
  crashAfter(60);
  const poller = startPoller(feed);
  await expect(poller.poll(never)).rejects.toThrow(Crash);
  expect(watermark()).toEqual(new Date(START));
  crashAfter(Number.POSITIVE_INFINITY);
  await poller.poll(never);
  expect(new Set(ids()).size).toBe(40);
});

test('whatever changes while lists are paged, and whenever pollers die, every alert is submitted', async () => {
  const passes = fc.array(
    fc.record({
      /** What happens before the pass, and then how long nothing does. */
      before: fc.array(anyChange, { maxLength: 20 }),
      wait: fc.integer({ min: 0, max: 30 * MINUTE }),
      /** What happens between the pages of the pass. */
      betweenPages: fc.array(fc.array(anyChange, { maxLength: 8 }), { maxLength: 8 }),
      /** How long the process lives, in steps outside of it. */
      crashAfter: fc.option(fc.integer({ min: 0, max: 60 }), { nil: Number.POSITIVE_INFINITY }),
    }),
    { maxLength: 12 },
  );
  const visibleAfter = fc.array(fc.integer({ min: 0, max: 10 * MINUTE }), { minLength: 1, maxLength: 20 });
  let complete = 0;
  await fc.assert(
    fc.asyncProperty(passes, visibleAfter, async (allPasses, delays) => {
      const world = createSurroundings();
      const time = () => world.now().getTime();
      const tenant = createChangingList(0, time);
      /** Alerts become visible up to ten minutes after their update. */
      const isVisible = (entry: { id: string; lastUpdateTime: string }) => {
        const delay = delays[Number(entry.id.slice(6)) % delays.length] ?? 0;
        return Date.parse(entry.lastUpdateTime) + delay <= time();
      };
      let changes = noChanges.values();
      const feed = createDefenderAlertFeed({
        now: world.now,
        pageSize: 5,
        tokens: { get: async () => 'token', renew: async () => 'token' },
        gate: {
          openCircuit: () => undefined,
          acquire: async () => ({ kind: 'granted', probe: false, slot: 0 }),
          release: () => undefined,
          returned: () => undefined,
          waitingSince: () => undefined,
          succeeded: async () => undefined,
          throttled: async () => ({ until: world.now() }),
          denied: async () => ({ until: world.now() }),
        },
        client: {
          async alertsUpdatedSince(query) {
            const entries = tenant.page(query, isVisible);
            for (const change of changes.next().value ?? []) {
              world.pass(5 * MINUTE);
              tenant.change(change);
            }
            return { kind: 'list', entries, hasNextLink: false };
          },
        },
      });
      await world.startPoller(feed).poll(never);

      let poller = world.startPoller(feed);
      for (const { before, wait, betweenPages, crashAfter } of allPasses) {
        for (const change of before) {
          tenant.change(change);
        }
        world.pass(wait);
        changes = betweenPages.values();
        world.crashAfter(crashAfter);
        try {
          const { ended, watermark } = await poller.poll(never);
          if (ended === undefined) {
            complete += 1;
          }
          expect(watermark <= world.now()).toBe(true);
        } catch (error) {
          if (!(error instanceof Crash)) {
            throw error;
          }
          poller = world.startPoller(feed);
        }
      }

      // Now that nothing changes any more, and all has become visible, one pass must be enough.
      world.crashAfter(Number.POSITIVE_INFINITY);
      changes = noChanges.values();
      world.pass(10 * MINUTE);
      expect(await poller.poll(never)).not.toHaveProperty('ended');
      expect(world.ids()).toEqual(expect.arrayContaining(tenant.entries.map(({ id }) => id)));
      for (const { alertId, submissionId } of world.submissions) {
        expect(submissionId).toBe(`poll.${alertId}`);
      }
    }),
    { numRuns: 1_000 },
  );
  // Otherwise the watermark never moved, and the property says little.
  expect(complete).toBeGreaterThan(500);
});
