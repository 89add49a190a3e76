import { describe, expect, test } from 'vitest';
import { parseSchedule } from '#dev/host/schedule.ts';

describe('A schedule', () => {
  test.each([
    ['*/5 * * * * *', '2026-01-01T00:00:05.000Z'],
    ['0 */5 * * * *', '2026-01-01T00:05:00.000Z'],
    ['0 30 9 * Jan Mon', '2026-01-05T09:30:00.000Z'],
    ['0 30 9 * january Monday', '2026-01-05T09:30:00.000Z'],
    ['0 0 0 13 * 5', '2026-02-13T00:00:00.000Z'],
  ])('%j fires next at %s', (text, next) => {
    expect(parseSchedule(text)(new Date('2026-01-01T00:00:00Z'))?.toISOString()).toBe(next);
  });

  test.each(['every day', '00:00:30', '* * *'])('%j is refused with an example of what is meant', (text) => {
    expect(() => parseSchedule(text)).toThrow(
      `The schedule "${text}" is no NCRONTAB expression such as "0 */5 * * * *"`,
    );
  });
});
