import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatDuration, parseDuration } from '#shared/config/setting.ts';

describe('durations', () => {
  test.each([
    ['0', 0],
    ['0s', 0],
    ['500ms', 500],
    ['30s', 30_000],
    ['2m', 120_000],
    ['1h', 3_600_000],
    ['24h', 86_400_000],
    ['7d', 604_800_000],
  ])('reads %s', (text, milliseconds) => {
    expect(parseDuration(text)).toBe(milliseconds);
  });

  test.each([
    '',
    '5',
    '00',
    '-1s',
    '+1s',
    '1.5h',
    '1e3s',
    '1 s',
    ' 1s',
    '1s ',
    '1S',
    '1w',
    's',
    '1m30s',
    '1s\n',
    '٣s',
    '99999999999999999d',
  ])('refuses %j', (text) => {
    expect(parseDuration(text)).toBeUndefined();
  });

  test('reads back whatever it has written', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), (milliseconds) => {
        expect(parseDuration(formatDuration(milliseconds))).toBe(milliseconds);
      }),
    );
  });

  test('writes whole units in their shortest form', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 1_000_000 }),
        fc.constantFrom('ms', 's', 'm', 'h', 'd'),
        (amount, unit) => {
          const text = `${amount}${unit}`;
          const milliseconds = parseDuration(text) ?? Number.NaN;
          expect(formatDuration(milliseconds).length).toBeLessThanOrEqual(text.length);
        },
      ),
    );
  });
});
