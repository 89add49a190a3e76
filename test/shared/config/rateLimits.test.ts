import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseRateLimits } from '#shared/config/rateLimits.ts';
import { formatDuration } from '#shared/config/setting.ts';

describe('rate limits', () => {
  test('are read in their order', () => {
    expect(parseRateLimits('100/1m,1500/1h')).toEqual([
      { calls: 100, windowMs: 60_000 },
      { calls: 1_500, windowMs: 3_600_000 },
    ]);
  });

  test('may have spaces around the commas', () => {
    expect(parseRateLimits('1/1s , 2/3s')).toEqual([
      { calls: 1, windowMs: 1_000 },
      { calls: 2, windowMs: 3_000 },
    ]);
  });

  test.each([
    '',
    ',',
    '100',
    '100/',
    '/1m',
    '0/1m',
    '01/1m',
    '-1/1m',
    '1.5/1m',
    '100/0',
    '100/0s',
    '100/60',
    '100/-1m',
    '100/1m,',
    '100/1m,,1/1s',
    '100/1m;1/1s',
    '100 / 1m',
    '100/1m/1h',
    '99999999999999999/1m',
    '50001/1m',
    'many/1m',
  ])('refuse %j', (text) => {
    expect(parseRateLimits(text)).toBeUndefined();
  });

  test('are read back whatever limits are written down', () => {
    const limit = fc.record({
      calls: fc.integer({ min: 1, max: 50_000 }),
      windowMs: fc.integer({ min: 1 }),
    });
    fc.assert(
      fc.property(fc.array(limit, { minLength: 1 }), (limits) => {
        const text = limits.map(({ calls, windowMs }) => `${calls}/${formatDuration(windowMs)}`).join(',');
        expect(parseRateLimits(text)).toEqual(limits);
      }),
    );
  });

  test('are positive for any text that is taken at all', () => {
    const text = fc.stringMatching(/^[0-9,/smhd .-]*$/);
    fc.assert(
      fc.property(text, (text) => {
        for (const { calls, windowMs } of parseRateLimits(text) ?? []) {
          expect(calls).toBeGreaterThan(0);
          expect(windowMs).toBeGreaterThan(0);
        }
      }),
    );
  });
});
