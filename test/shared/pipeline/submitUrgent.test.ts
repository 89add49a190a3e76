import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createSubmitUrgent } from '#shared/pipeline/submitUrgent.ts';
import type { SourceAnswer } from '#shared/sources/source.ts';
import { laterBy, seenAt, submissionOf } from './submissions.ts';
import { Crash, createWorld, type Step, StorageFault, type WorldOptions } from './world.ts';

const never = new AbortController().signal;
const unknown: SourceAnswer = { kind: 'not_found', detail: 'Defender answered 404' };
const noSlot: SourceAnswer = {
  kind: 'wait',
  reason: 'quota',
  until: laterBy(60_000),
  inLine: true,
  detail: 'used up',
};
const rejected: SourceAnswer = { kind: 'rejected', code: 'InvalidInput', message: 'no' };

/** Urgent submissions over a pipeline in memory, and what came of the work on them. */
function createUrgent(options: WorldOptions = {}) {
  const steps: Step[] = [];
  const events: Record<string, unknown>[] = [];
  const world = createWorld({
    ...options,
    around(step, moment) {
      if (moment === 'after') {
        steps.push(step);
      }
      return options.around?.(step, moment);
    },
  });
  const submitUrgent = createSubmitUrgent(world.deps, String);
  return {
    ...world,
    steps,
    events,
    /** Submits, and waits until this process has done what it can. */
    async work(...submissions: Parameters<typeof submitUrgent>[0]) {
      const log = (event: Record<string, unknown>) => void events.push(event);
      const submitted = await submitUrgent(submissions, {
        isOver: never,
        urgentUntil: never,
        signal: never,
        log,
      });
      await Promise.all(submitted.runs.values());
      return submitted;
    },
  };
}

test('an urgent alert is in the queue before it is worked on, and is gone from there when it is final', async () => {
  const world = createUrgent();
  const submission = submissionOf();
  expect(await world.work(submission)).toMatchObject({ queued: [submission], notQueued: [] });
  expect(world.steps).toEqual(['hold', 'create', 'find', 'store', 'publish', 'mark', 'remove']);
  expect([world.waiting(), world.published.length]).toEqual([[], 1]);
  expect(world.calls).toMatchObject([{ alertId: 'alert-1', urgentUntil: never }]);
  expect(world.events).toMatchObject([{ event: 'submission', result: 'enriched' }]);
});

test('without a slot it waits for its turn in its one message, and then is a submission like any other', async () => {
  const answers = [noSlot];
  const world = createUrgent({
    find: () =>
      answers.shift() ?? {
        kind: 'found',
        source: 'defender',
        machine: { id: 'machine-1' },
        retrievedAt: seenAt,
        unavailable: [],
      },
  });
  await world.work(submissionOf());
  expect(world.waiting()).toMatchObject([{ submissionId: 'submission-1', inLine: true, deferrals: 1 }]);
  expect(world.steps).not.toContain('submit');
  await world.drain();
  expect(world.published).toHaveLength(1);
  expect(world.calls.map(({ urgentUntil }) => urgentUntil)).toEqual([never, undefined]);
});

test('an alert that another message is looking up is left to that one', async () => {
  const world = createUrgent({
    find: async (alert) => {
      if (alert.urgentUntil === undefined && world.calls.length === 1) {
        await world.work(submissionOf({ submissionId: 'submission-2' }));
      }
      return {
        kind: 'found',
        source: 'defender',
        machine: { id: 'machine-1' },
        retrievedAt: world.now(),
        unavailable: [],
      };
    },
  });
  await world.deliver(submissionOf());
  await world.drain();
  expect(world.calls).toHaveLength(1);
  expect(world.published.map(({ submissionId }) => submissionId)).toEqual(['submission-1', 'submission-2']);
});

test('what our own storage hinders is left to the readers of the queue, and said', async () => {
  let isDown = true;
  const world = createUrgent({
    around(step) {
      if (isDown && (step === 'create' || step === 'put back')) {
        throw new StorageFault('down');
      }
    },
  });
  await world.work(submissionOf());
  expect(world.events).toMatchObject([{ event: 'urgent_failed', alertId: 'alert-1' }]);
  isDown = false;
  await world.drain();
  expect(world.published).toHaveLength(1);
});

test('one that cannot be queued is not worked on', async () => {
  const world = createUrgent({
    around(step) {
      if (step === 'hold') {
        throw new StorageFault('down');
      }
    },
  });
  const submission = submissionOf();
  expect(await world.work(submission)).toMatchObject({ queued: [], notQueued: [submission] });
  expect([world.calls, world.published]).toEqual([[], []]);
});

describe('a process that dies with an urgent alert', () => {
  test('loses none, and leaves a second message only between sending and marking', async () => {
    const answers = fc.array(fc.constantFrom(unknown, noSlot, rejected), { maxLength: 3 });
    const deaths = fc.array(
      fc.record({ at: fc.integer({ min: 1, max: 25 }), moment: fc.constantFrom('before', 'after') }),
      { maxLength: 3 },
    );
    const others = fc.integer({ min: 0, max: 2 });
    await fc.assert(
      fc.asyncProperty(answers, deaths, others, async (script, crashes, copies) => {
        let steps = 0;
        let callers = 0;
        let mostCallers = 0;
        let happened = 0;
        const doubled: string[] = [];
        const world = createUrgent({
          find: () =>
            script.shift() ?? {
              kind: 'found',
              source: 'defender',
              machine: { id: 'machine-1' },
              retrievedAt: world.now(),
              unavailable: [],
            },
          around(step, moment) {
            steps += moment === 'before' ? 1 : 0;
            if (step === 'find') {
              callers += moment === 'before' ? 1 : -1;
              mostCallers = Math.max(mostCallers, callers);
            }
            if (!crashes.some((crash) => crash.at === steps && crash.moment === moment)) {
              return;
            }
            happened += 1;
            callers -= step === 'find' && moment === 'before' ? 1 : 0;
            if (['after publish', 'before mark'].includes(`${moment} ${step}`)) {
              doubled.push(step);
            }
            throw new Crash(step, moment);
          },
        });
        for (let copy = 0; copy < copies; copy += 1) {
          world.enqueue(submissionOf({ submissionId: `other-${copy}` }));
        }
        const isOrdered = world.work(submissionOf({ submissionId: 'urgent' })).then(({ queued, error }) => {
          // Who dies while it submits has told the caller nothing; the message may be in the queue all the same.
          return queued.length > 0 || (error instanceof Crash && error.moment === 'after');
        });
        // Both work at the same time; the run ends long before its message is seen.
        await world.deliverVisible(30_000);
        const expected = [...Array(copies).keys()].map((copy) => `other-${copy}`);
        if (await isOrdered) {
          expected.push('urgent');
        }
        await world.drainAtOnce(30_000);

        const published = world.published.map(({ submissionId }) => submissionId);
        expect(new Set(published)).toEqual(new Set(expected));
        // Beside others that mark the same row, a death on the way to the mark can be at a read as well.
        expect(published.length - expected.length).toBeLessThanOrEqual(happened);
        if (copies === 0) {
          expect(published.length - expected.length).toBe(doubled.length);
        }
        expect(mostCallers).toBeLessThanOrEqual(1);
        expect(world.waiting()).toEqual([]);
      }),
      { numRuns: 500 },
    );
  });
});
