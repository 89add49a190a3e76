import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { enrichmentSchema } from '#shared/enrichment/enrichment.ts';
import type { SourceAnswer } from '#shared/sources/source.ts';
import { laterBy, seenAt, submissionOf } from './submissions.ts';
import { Crash, createWorld, type Step, StorageFault } from './world.ts';

const found: SourceAnswer = {
  kind: 'found',
  source: 'defender',
  machine: { id: 'machine-1' },
  retrievedAt: seenAt,
  unavailable: [],
};
const unknown: SourceAnswer = { kind: 'not_found', detail: 'Defender answered 404' };
const unavailable: SourceAnswer = { kind: 'unavailable', detail: 'Defender answered 503' };
const rejected: SourceAnswer = { kind: 'rejected', code: 'InvalidInput', message: 'no' };

describe('one submission', () => {
  test('is looked up, stored, published and marked, in this order', async () => {
    const steps: Step[] = [];
    const world = createWorld({ around: (step, moment) => void (moment === 'after' && steps.push(step)) });
    const submission = submissionOf({ correlationId: 'ours', metadata: { a: 1 }, machineId: 'hint' });
    expect(await world.deliver(submission)).toEqual({
      kind: 'final',
      outcome: 'enriched',
      reused: false,
      attempts: 1,
      error: undefined,
      device: 'machine-1',
    });
    expect(steps).toEqual(['create', 'find', 'store', 'publish', 'mark']);
    expect(world.calls).toEqual([
      {
        alertId: 'alert-1',
        machineId: 'hint',
        inLine: false,
        isReturning: false,
        refresh: false,
        firstSeen: seenAt,
      },
    ]);
    expect(enrichmentSchema.parse(world.published[0])).toMatchObject({
      outcome: 'enriched',
      submissionId: 'submission-1',
      correlationId: 'ours',
      metadata: { a: 1 },
      device: { id: 'machine-1', raw: { id: 'machine-1' } },
      reused: false,
      attempts: 1,
    });
  });

  test('carries and stores the formats that are asked for, and serves others with them', async () => {
    const world = createWorld({ message: { formats: ['asim', 'sentinel'] } });
    await world.deliver(submissionOf());
    await world.deliver(submissionOf({ submissionId: 'submission-2' }));
    const formats = {
      asim: { Dvc: 'machine-1', DvcIdType: 'MDEid' },
      sentinel: { Type: 'host', additionalData: { MdatpDeviceId: 'machine-1' } },
    };
    expect(world.published.map((enrichment) => enrichmentSchema.parse(enrichment))).toMatchObject([
      { reused: false, formats },
      { reused: true, formats },
    ]);
    expect(world.published[0]?.formats).not.toHaveProperty('ocsf');
  });

  test('has no formats when none is asked for', async () => {
    const world = createWorld({ message: { formats: [] } });
    await world.deliver(submissionOf());
    expect(world.published[0]).not.toHaveProperty('formats');
  });

  test('of an unknown alert is asked for again with the delays of the settings, then ends not_found', async () => {
    const world = createWorld({ find: () => unknown });
    world.enqueue(submissionOf());
    await world.drain();
    expect(world.calls).toHaveLength(3);
    expect(world.now()).toEqual(laterBy(150_000));
    expect(world.published).toMatchObject([
      {
        outcome: 'not_found',
        attempts: 3,
        error: { code: 'not_found' },
        source: { retrievedAt: expect.any(String) },
      },
    ]);
    expect(world.buried).toEqual([]);
  });

  test('that is refused for good becomes a dead letter and is published as failed', async () => {
    const world = createWorld({ find: () => rejected });
    const submission = submissionOf();
    await world.deliver(submission);
    expect(world.published).toMatchObject([{ outcome: 'failed', error: { code: 'source_rejected' } }]);
    expect(world.buried).toEqual([
      {
        reason: 'source_rejected',
        detail: expect.stringContaining('InvalidInput'),
        submission,
        original: 'alert-1',
        attempts: 1,
        firstSeen: submission.firstSeen,
        deadAt: seenAt.toISOString(),
      },
    ]);
  });

  test('that is never answered fails when it is too old, and says that there was no answer', async () => {
    const world = createWorld({ find: () => unavailable, maxAgeMs: 60_000 });
    world.enqueue(submissionOf());
    await world.drain();
    expect(world.published).toMatchObject([
      { outcome: 'failed', source: { retrievedAt: null }, error: { code: 'source_unavailable' } },
    ]);
    expect(world.buried).toHaveLength(1);
  });

  test.each<SourceAnswer>([
    { kind: 'wait', reason: 'quota', until: laterBy(60_000), inLine: true, detail: 'used up' },
    { kind: 'denied', until: laterBy(60_000), detail: 'role missing' },
  ])('that meets a closed gate ($kind) is put back unharmed', async (answer) => {
    const world = createWorld({ find: () => answer });
    expect(await world.deliver(submissionOf())).toMatchObject({ kind: 'deferred', attempts: 0 });
    expect(world.waiting()).toMatchObject([{ attempts: 0, deferrals: 1, submissionId: 'submission-1' }]);
    expect(world.published).toEqual([]);
  });

  test('comes back in the line when it was promised a turn', async () => {
    const world = createWorld();
    await world.deliver(submissionOf({ inLine: true, deferrals: 1 }));
    expect(world.calls).toMatchObject([{ inLine: true }]);
  });

  test('is done once: a second delivery does nothing', async () => {
    const world = createWorld();
    await world.deliver(submissionOf());
    expect(await world.deliver(submissionOf())).toEqual({ kind: 'repeated' });
    expect(world.published).toHaveLength(1);
    expect(world.calls).toHaveLength(1);
  });

  test.each<Step>(['create', 'find', 'store'])(
    'is put back while a table or the ledger cannot be used (at %s), later each time, and goes on then',
    async (broken) => {
      let isBroken = true;
      const world = createWorld({
        around: (step, moment) => {
          if (isBroken && step === broken && moment === 'before') {
            throw new StorageFault('table away');
          }
        },
      });
      const delays: number[] = [];
      let submission = submissionOf({ machineId: 'hint' });
      for (let delivery = 0; delivery < 8; delivery += 1) {
        const progress = await world.deliver(submission);
        expect(progress).toMatchObject({
          kind: 'deferred',
          reason: 'storage',
          detail: 'table away',
          attempts: 0,
        });
        delays.push(progress.kind === 'deferred' ? progress.delayMs : 0);
        submission = world.waiting().at(-1) ?? submission;
      }
      expect(submission).toMatchObject({ submissionId: 'submission-1', attempts: 0, deferrals: 8 });
      expect(delays).toEqual([3_750, 7_500, 15_000, 30_000, 60_000, 120_000, 225_000, 225_000]);
      expect(world.buried).toEqual([]);
      isBroken = false;
      await world.drain();
      expect(world.published.filter(({ submissionId }) => submissionId === 'submission-1')).toHaveLength(1);
    },
  );

  test('passes its claim on when it is put back after the claim, so that its copy need not wait for the end of that', async () => {
    let failures = 1;
    const world = createWorld({
      around: (step, moment) => {
        if (step === 'store' && moment === 'before' && failures-- > 0) {
          throw new StorageFault('table away');
        }
      },
    });
    world.enqueue(submissionOf());
    await world.drain();
    expect(world.published).toHaveLength(1);
    expect(world.now().getTime() - seenAt.getTime()).toBeLessThan(10_000);
  });

  test.each([
    [unknown, { notFoundAnswers: 1 }],
    ...(['unavailable', 'unusable', 'forbidden'] as const).map(
      (kind) =>
        [
          { kind, detail: '' },
          { attempts: 12, failing: { since: seenAt.toISOString(), answer: kind, count: 3 } },
        ] as const,
    ),
  ] as const)(
    'keeps others from asking about its alert until its second look, however far that is: %o',
    async (answer, earlier) => {
      const world = createWorld({ find: () => answer });
      expect(await world.deliver(submissionOf(earlier))).toMatchObject({ kind: 'deferred' });
      world.passTime(160_000);
      expect(await world.deliver(submissionOf({ submissionId: 'other' }))).toMatchObject({
        reason: 'claimed',
      });
      expect(world.calls).toHaveLength(1);
    },
  );

  test('is done when only its mark fails: it is published, and comes no second time', async () => {
    const world = createWorld({
      around: (step) => {
        if (step === 'mark') {
          throw new StorageFault('table away');
        }
      },
    });
    expect(await world.deliver(submissionOf())).toMatchObject({ kind: 'final', outcome: 'enriched' });
    expect(world.waiting()).toEqual([]);
  });

  test('throws when the queue cannot be used either', async () => {
    const world = createWorld({
      around: (step) => {
        if (step === 'create' || step === 'submit') {
          throw new StorageFault(`503 at ${step}`);
        }
      },
    });
    await expect(world.deliver(submissionOf())).rejects.toThrow('503 at submit');
  });

  test('says which tenant and device were named, and when the device is another one', async () => {
    const world = createWorld();
    await world.deliver(submissionOf({ machineId: 'machine-2', tenantId: 'contoso' }));
    await world.deliver(submissionOf({ submissionId: 'other', machineId: 'MACHINE-1' }));
    expect(enrichmentSchema.parse(world.published[0])).toMatchObject({
      tenantId: 'contoso',
      machineId: 'machine-2',
      machineIdDiffers: true,
      device: { id: 'machine-1' },
    });
    expect(world.published[1]).not.toHaveProperty('machineIdDiffers');
  });

  test('throws what is no fault of storage, so that the message is delivered again', async () => {
    const world = createWorld({
      around: (step) => {
        if (step === 'store') {
          throw new Error('503 from storage');
        }
      },
    });
    await expect(world.deliver(submissionOf())).rejects.toThrow('503 from storage');
    expect(world.published).toEqual([]);
  });
});

describe('several submissions of one alert', () => {
  test('a hundred at once cost one call, and each is published once', async () => {
    const world = createWorld({ around: () => new Promise(setImmediate), random: Math.random });
    for (let number = 0; number < 100; number += 1) {
      world.enqueue(submissionOf({ submissionId: `submission-${number}` }));
    }
    await world.drainAtOnce();
    expect(world.calls).toHaveLength(1);
    expect(new Set(world.published.map(({ submissionId }) => submissionId)).size).toBe(100);
    expect(world.published).toHaveLength(100);
    expect(world.published.filter(({ reused }) => !reused)).toHaveLength(1);
  });

  test('in whatever order their steps happen, they cost one call and are published once each', async () => {
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), fc.integer({ min: 2, max: 5 }), async (scheduler, count) => {
        const world = createWorld({ around: () => scheduler.schedule(Promise.resolve()) });
        for (let number = 0; number < count; number += 1) {
          world.enqueue(submissionOf({ submissionId: `submission-${number}` }));
        }
        await scheduler.waitFor(world.drainAtOnce());
        expect(world.calls).toHaveLength(1);
        expect(world.published.map(({ submissionId }) => submissionId).sort()).toEqual(
          Array.from({ length: count }, (_, number) => `submission-${number}`),
        );
      }),
      { numRuns: 60 },
    );
  });

  test('an answer is not lost because others mark what they published while it is on its way', async () => {
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), async (scheduler) => {
        let slow = false;
        const world = createWorld({
          around: () => (slow ? scheduler.schedule(Promise.resolve()) : undefined),
        });
        await world.deliver(submissionOf());
        slow = true;
        world.passTime(60_000);
        const firstSeen = world.now().toISOString();
        world.enqueue(submissionOf({ submissionId: 'refresh', refresh: true, firstSeen }));
        for (const submissionId of ['a', 'b', 'c']) {
          world.enqueue(submissionOf({ submissionId, firstSeen }));
        }
        await scheduler.waitFor(world.drainAtOnce());
        expect(world.calls).toHaveLength(2);
        expect(world.published).toHaveLength(5);
      }),
      { numRuns: 60 },
    );
  });

  test('later ones are answered from the record while it is fresh, then looked up anew', async () => {
    const world = createWorld();
    await world.deliver(submissionOf());
    world.passTime(899_999);
    const later = { submissionId: 'submission-2', firstSeen: world.now().toISOString() };
    expect(await world.deliver(submissionOf(later))).toMatchObject({ reused: true, attempts: 0 });
    world.passTime(1);
    const latest = { submissionId: 'submission-3', firstSeen: world.now().toISOString() };
    expect(await world.deliver(submissionOf(latest))).toMatchObject({ reused: false, attempts: 1 });
    expect(world.calls).toHaveLength(2);
  });

  test('wait while one of them waits for a second look, and share its answer', async () => {
    let asked = 0;
    const world = createWorld({
      find: () => {
        asked += 1;
        return asked === 1 ? unknown : { ...found, retrievedAt: world.now() };
      },
    });
    await world.deliver(submissionOf());
    world.passTime(1_000);
    const second = submissionOf({ submissionId: 'submission-2' });
    expect(await world.deliver(second)).toMatchObject({ kind: 'deferred', reason: 'claimed', attempts: 0 });
    await world.drain();
    expect(world.calls).toHaveLength(2);
    expect(world.published.map(({ submissionId, reused }) => [submissionId, reused])).toEqual([
      ['submission-1', false],
      ['submission-2', true],
    ]);
  });

  test('wait for as long as the second look is put off, and not only for the first claim', async () => {
    const world = createWorld({ find: () => unknown });
    await world.deliver(submissionOf());
    world.passTime(160_000);
    const second = submissionOf({ submissionId: 'submission-2' });
    expect(await world.deliver(second)).toMatchObject({ kind: 'deferred', reason: 'claimed' });
    world.passTime(30_000);
    expect(await world.deliver(second)).toMatchObject({ kind: 'deferred', reason: 'not_found' });
  });

  test('a failure is nobody else’s: the next one is looked up for itself', async () => {
    let asked = 0;
    const world = createWorld({
      find: () => {
        asked += 1;
        return asked === 1 ? rejected : { ...found, retrievedAt: world.now() };
      },
    });
    await world.deliver(submissionOf());
    await world.deliver(submissionOf({ submissionId: 'submission-2' }));
    expect(world.published.map(({ outcome }) => outcome)).toEqual(['failed', 'enriched']);
  });
});

describe('a claim', () => {
  test('of a process that died keeps others off until it expires, then the next one takes over', async () => {
    const world = createWorld({
      around: (step) => {
        if (step === 'find' && world.calls.length === 0 && world.now() < laterBy(1)) {
          throw new Crash('find', 'before');
        }
      },
    });
    await expect(world.deliver(submissionOf())).rejects.toThrow('crashed');
    world.passTime(149_999);
    const second = submissionOf({ submissionId: 'submission-2' });
    expect(await world.deliver(second)).toMatchObject({ kind: 'deferred', reason: 'claimed' });
    world.passTime(1);
    expect(await world.deliver(second)).toMatchObject({ kind: 'final', outcome: 'enriched' });
  });

  test('that was taken over yields to the answer of whoever took it', async () => {
    const world = createWorld({
      find: async () => {
        // The first call takes so long that another worker takes the claim over and finishes.
        if (world.calls.length === 1) {
          world.passTime(150_000);
          await world.deliver(submissionOf({ submissionId: 'submission-2' }));
        }
        return { ...found, retrievedAt: world.now() };
      },
    });
    expect(await world.deliver(submissionOf())).toMatchObject({ outcome: 'enriched', reused: true });
    expect(world.calls).toHaveLength(2);
    expect(world.published.map(({ submissionId }) => submissionId)).toEqual(['submission-2', 'submission-1']);
  });
});

describe('a process that dies', () => {
  const answers = fc.array(
    fc.constantFrom(
      unknown,
      unavailable,
      rejected,
      { kind: 'wait', reason: 'quota', until: laterBy(60_000), inLine: true, detail: '' } as const,
      { kind: 'wait', reason: 'throttled', until: laterBy(8_000), inLine: false, detail: '' } as const,
      { kind: 'denied', until: laterBy(5_000), detail: '' } as const,
    ),
    { maxLength: 4 },
  );
  const crashes = fc.uniqueArray(
    fc.record({ at: fc.nat(60), moment: fc.constantFrom('before' as const, 'after' as const) }),
    { maxLength: 4, selector: ({ at }) => at },
  );

  test('anywhere, any number of times, changes nothing but what was not yet recorded', async () => {
    const submissions = fc.array(fc.record({ number: fc.nat(3), alert: fc.nat(1), refresh: fc.boolean() }), {
      minLength: 1,
      maxLength: 6,
    });
    await fc.assert(
      fc.asyncProperty(submissions, answers, crashes, async (wanted, script, deaths) => {
        let steps = 0;
        const happened: Crash[] = [];
        const world = createWorld({
          find: () => script.shift() ?? { ...found, retrievedAt: world.now() },
          around(step, moment) {
            if (moment === 'before') {
              steps += 1;
            }
            if (!deaths.some((death) => death.at === steps && death.moment === moment)) {
              return;
            }
            const crash = new Crash(step, moment);
            happened.push(crash);
            throw crash;
          },
        });
        // The same number means the same message, delivered more than once.
        for (const { number, alert, refresh } of wanted) {
          world.enqueue(
            submissionOf({
              alertId: `alert-${alert}`,
              submissionId: `submission-${alert}-${number}`,
              refresh,
            }),
          );
        }
        await world.drain();

        const ids = new Set(wanted.map(({ number, alert }) => `submission-${alert}-${number}`));
        expect(new Set(world.published.map(({ submissionId }) => submissionId))).toEqual(ids);
        // A second copy follows only from a death between sending and marking.
        const unmarked = happened.filter(
          ({ step, moment }) =>
            (step === 'publish' && moment === 'after') || (step === 'mark' && moment === 'before'),
        );
        expect(world.published.length - ids.size).toBe(unmarked.length);
        const failed = world.published.filter(({ outcome }) => outcome === 'failed');
        const unburied = happened.filter(
          ({ step, moment }) =>
            (step === 'bury' && moment === 'after') || (step === 'publish' && moment === 'before'),
        );
        expect(world.buried.length).toBeGreaterThanOrEqual(failed.length);
        expect(world.buried.length).toBeLessThanOrEqual(failed.length + unburied.length);
      }),
      { numRuns: 300 },
    );
  });

  test('leaves two messages of a submission at worst, of which one looks up while the other waits', async () => {
    await fc.assert(
      fc.asyncProperty(answers, crashes, async (script, deaths) => {
        let steps = 0;
        const callers = { now: 0, most: 0 };
        const doubled: Crash[] = [];
        const world = createWorld({
          find: () => script.shift() ?? { ...found, retrievedAt: world.now() },
          around(step, moment) {
            if (step === 'find') {
              callers.now += moment === 'before' ? 1 : -1;
            }
            callers.most = Math.max(callers.most, callers.now);
            if (moment === 'before') {
              steps += 1;
            }
            if (!deaths.some((death) => death.at === steps && death.moment === moment)) {
              return;
            }
            if (step === 'find' && moment === 'before') {
              callers.now -= 1;
            }
            const crash = new Crash(step, moment);
            if (`${moment} ${step}` === 'after publish' || `${moment} ${step}` === 'before mark') {
              doubled.push(crash);
            }
            throw crash;
          },
        });
        world.enqueue(submissionOf());
        // A lease as long as the wait after a 404: the original comes again together with its copy.
        await world.drainAtOnce(30_000);

        expect(callers.most).toBe(1);
        expect(world.published).toHaveLength(1 + doubled.length);
      }),
      { numRuns: 500 },
    );
  });

  test('costs a second call only when the first answer was not stored yet', async () => {
    const steps: Step[] = ['create', 'find', 'store', 'publish', 'mark'];
    for (const [index, step] of steps.entries()) {
      for (const moment of ['before', 'after'] as const) {
        let died = false;
        const world = createWorld({
          around(currentStep, currentMoment) {
            if (died || currentStep !== step || currentMoment !== moment) {
              return;
            }
            died = true;
            throw new Crash(step, moment);
          },
        });
        world.enqueue(submissionOf());
        await world.drain();
        const storedBefore = index > 2 || (step === 'store' && moment === 'after');
        const answered = world.calls.length > 1;
        expect([step, moment, answered]).toEqual([
          step,
          moment,
          !storedBefore && (step === 'store' || (step === 'find' && moment === 'after')),
        ]);
        expect(world.published.at(-1)).toMatchObject({ outcome: 'enriched', reused: false, attempts: 1 });
      }
    }
  });
});
