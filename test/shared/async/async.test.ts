import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { atMost, cached, withinTime } from '#shared/promises.ts';

test('at most so much work is under way at once, and all of it is done in order, failures too', async () => {
  const limited = atMost(3);
  let running = 0;
  let most = 0;
  const results = await Promise.allSettled(
    Array.from({ length: 20 }, (_, index) =>
      limited(async () => {
        running += 1;
        most = Math.max(most, running);
        await Promise.resolve();
        running -= 1;
        if (index % 5 === 0) {
          throw new Error('failed');
        }
        return index;
      }),
    ),
  );
  expect(most).toBe(3);
  expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(16);
});

test('a value is loaded once while it is fresh, also by those who ask at once', async () => {
  let time = 0;
  let loads = 0;
  const value = cached(
    async () => ++loads,
    1_000,
    () => time,
  );
  expect(await Promise.all([value(), value()])).toEqual([1, 1]);
  time = 999;
  expect(await value()).toBe(1);
  time = 1_000;
  expect(await value()).toBe(2);
});

test('a failure is told to those who wait for it, and not remembered', async () => {
  let loads = 0;
  const value = cached(
    async () => {
      loads += 1;
      if (loads === 1) {
        throw new Error('down');
      }
      return loads;
    },
    1_000,
    () => 0,
  );
  await expect(Promise.all([value(), value()])).rejects.toThrow('down');
  expect(await value()).toBe(2);
});

describe('within time', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    expect(vi.getTimerCount()).toBe(0);
    vi.useRealTimers();
  });

  test('work tells what it brings, and how it fails', async () => {
    expect(await withinTime(Promise.resolve('brought'), 100, () => 'late')).toBe('brought');
    await expect(withinTime(Promise.reject(new Error('down')), 100, () => 'late')).rejects.toThrow('down');
  });

  test('late work is not waited for, and its failure reaches nobody', async () => {
    let fail = (_: Error): void => undefined;
    const work = new Promise<string>((_, reject) => {
      fail = reject;
    });
    const result = withinTime(work, 100, () => 'late');
    await vi.advanceTimersByTimeAsync(100);
    expect(await result).toBe('late');
    fail(new Error('down'));
  });

  test('what is said of late work may be an error', async () => {
    const result = withinTime(new Promise(() => undefined), 100, () => {
      throw new Error('late');
    });
    const refused = expect(result).rejects.toThrow('late');
    await vi.advanceTimersByTimeAsync(100);
    await refused;
  });
});
