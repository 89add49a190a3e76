import { expect, test } from 'vitest';
import { createSubmit, submitAll } from '#shared/pipeline/submitAll.ts';
import { submissionOf } from './submissions.ts';
import { createWorld } from './world.ts';

function several(count: number) {
  return Array.from({ length: count }, (_, index) =>
    submissionOf({ alertId: `alert-${index}`, submissionId: `order.${index}` }),
  );
}

test('all submissions are queued, a few at a time', async () => {
  const submissions = several(50);
  let running = 0;
  let most = 0;
  const submitted = await submitAll(submissions, async () => {
    running += 1;
    most = Math.max(most, running);
    await Promise.resolve();
    running -= 1;
  });
  expect(submitted).toEqual({ queued: submissions, notQueued: [] });
  expect(most).toBe(16);
});

test('after a failure no more are tried, and it is said which are queued', async () => {
  const submissions = several(50);
  const error = new Error('down');
  const tried: string[] = [];
  const submitted = await submitAll(submissions, async ({ alertId }) => {
    tried.push(alertId);
    if (alertId === 'alert-20') {
      throw error;
    }
  });
  expect(tried).toHaveLength(32);
  expect(submitted.error).toBe(error);
  expect(submitted.queued.map(({ alertId }) => alertId)).toEqual(tried.filter((id) => id !== 'alert-20'));
  expect([...submitted.queued, ...submitted.notQueued]).toHaveLength(50);
});

test('once the signal is given no more are tried, and the reason says so', async () => {
  const submissions = several(50);
  const end = new AbortController();
  const late = new Error('late');
  let tried = 0;
  const submit = async () => {
    tried += 1;
    if (tried === 20) {
      end.abort(late);
    }
  };
  const { queued, notQueued, error } = await submitAll(submissions, submit, end.signal);
  expect([queued, notQueued, error]).toEqual([submissions.slice(0, 32), submissions.slice(32), late]);
});

test('a signal that is given when all are tried makes no difference', async () => {
  const submissions = several(16);
  const end = new AbortController();
  const submitted = await submitAll(submissions, async () => end.abort(), end.signal);
  expect(submitted).toEqual({ queued: submissions, notQueued: [] });
});

test('a submitted alert is known before anybody works on it, and is then enriched as any other', async () => {
  const world = createWorld();
  const [submission = submissionOf()] = several(1);
  await createSubmit(world.deps)([submission]);
  expect(world.rows.get('alert-0')?.state).toMatchObject({ claim: undefined, answer: undefined });
  await world.drain();
  expect(world.calls).toHaveLength(1);
  expect(world.published).toMatchObject([{ alertId: 'alert-0', outcome: 'enriched', reused: false }]);
});

test('a row that is there already stays as it is', async () => {
  const world = createWorld();
  await world.deliver(submissionOf({ alertId: 'alert-0' }));
  const before = world.rows.get('alert-0');
  await createSubmit(world.deps)(several(1));
  expect(world.rows.get('alert-0')).toEqual(before);
});

test('when the row cannot be written the submission is queued all the same, and it is said why', async () => {
  const announceError = new Error('down');
  const world = createWorld({
    around: (step) => {
      if (step === 'announce') {
        throw announceError;
      }
    },
  });
  const submissions = several(1);
  expect(await createSubmit(world.deps)(submissions)).toEqual({
    queued: submissions,
    notQueued: [],
    announceError,
  });
  await world.drain();
  expect(world.published).toHaveLength(1);
});
