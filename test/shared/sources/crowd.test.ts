import { describe, expect, test } from 'vitest';
import { createCrowd } from '#shared/sources/crowd.ts';

const start = Date.parse('2026-11-26T12:00:00Z');

/** A crowd of look-ups that wait for the test. */
function createWorld() {
  const state = { time: start };
  const crowd = createCrowd(() => new Date(state.time));
  const end = Promise.withResolvers<void>();
  const runs: Promise<unknown>[] = [];
  const ways: boolean[] = [];
  const join = () => {
    runs.push(
      crowd.join(async () => {
        ways.push(await crowd.becomesMany());
        await end.promise;
      }),
    );
  };
  const endAll = () => {
    end.resolve();
    return Promise.all(runs);
  };
  return { state, crowd, join, ways, endAll };
}

describe('look-ups', () => {
  test('are many from eight at the same time on, and for a minute after', async () => {
    const { state, crowd, join, endAll } = createWorld();
    for (let count = 1; count <= 8; count += 1) {
      expect(crowd.isMany()).toBe(false);
      join();
    }
    expect(crowd.isMany()).toBe(true);
    await endAll();
    state.time += 59_999;
    expect(crowd.isMany()).toBe(true);
    state.time += 1;
    expect(crowd.isMany()).toBe(false);
  });

  test('are many too when eight begin within two seconds, one after the other', async () => {
    const { state, crowd } = createWorld();
    const lookUp = async (afterMs: number) => {
      state.time += afterMs;
      return crowd.join(() => crowd.becomesMany());
    };
    for (let count = 1; count <= 20; count += 1) {
      expect(await lookUp(300)).toBe(false);
    }
    for (let count = 1; count <= 6; count += 1) {
      await lookUp(200);
    }
    expect(await lookUp(200)).toBe(true);
  });

  test('that come together know it all but the first, which does not wait', async () => {
    const { join, ways, endAll } = createWorld();
    join();
    await Promise.resolve();
    for (let count = 2; count <= 8; count += 1) {
      join();
    }
    await endAll();
    expect(ways).toEqual([false, ...Array<boolean>(7).fill(true)]);
  });

  test('that are few go on after a moment', async () => {
    const { join, ways, endAll } = createWorld();
    join();
    join();
    await endAll();
    expect(ways).toEqual([false, false]);
  });
});
