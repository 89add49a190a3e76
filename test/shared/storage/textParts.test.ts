import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fromParts, toEndedParts, toParts } from '#shared/storage/textParts.ts';

describe('texts in several columns', () => {
  test('come back as they were, in columns that hold them and with no character cut in half', () => {
    const text = fc
      .tuple(fc.string({ unit: 'binary' }), fc.nat({ max: 90_000 }))
      .map(([unit, length]) => unit.repeat(unit === '' ? 0 : Math.ceil(length / unit.length)));
    fc.assert(
      fc.property(text, (original) => {
        const parts = toParts('device', original);
        expect(fromParts('device', { other: 1, ...parts })).toBe(original);
        for (const part of Object.values(parts)) {
          expect(part.length).toBeLessThanOrEqual(32_768);
          expect(part.isWellFormed()).toBe(original.isWellFormed() || part.isWellFormed());
        }
      }),
      { numRuns: 50 },
    );
  });

  test('keep an empty text, and tell it from none', () => {
    expect(toParts('device', '')).toEqual({ device: '' });
    expect(fromParts('device', { device: '' })).toBe('');
    expect(fromParts('device', {})).toBeUndefined();
  });
});

test('a text that a merge made shorter is read as it is now', () => {
  const long = toEndedParts('published', 'x'.repeat(70_000));
  for (const shorter of ['y'.repeat(40_000), 'y'.repeat(10), '[]']) {
    expect(fromParts('published', { ...long, ...toEndedParts('published', shorter) })).toBe(shorter);
  }
});
