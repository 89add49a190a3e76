import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { retryAfterMs } from '#shared/sources/apiReply.ts';

const now = new Date('2026-11-23T12:00:00Z');
const DAY_MS = 86_400_000;
const withWait = (seconds: number | string) =>
  `{"error":{"code":"429","message":"API calls quota exceeded! You can send requests again in ${seconds} seconds."}}`;

describe('the wait that a 429 asks for', () => {
  test.each([
    ['seconds in the header', '7', '', 7_000],
    ['a part of a second in the header', ' 0.5 ', '', 500],
    ['no wait at all in the header', '0', withWait(9), 0],
    ['a date in the header', 'Mon, 23 Nov 2026 12:00:30 GMT', '', 30_000],
    ['a date in the older spelling', 'Monday, 23-Nov-26 12:00:30 GMT', '', 30_000],
    ['a date that has passed', 'Mon, 23 Nov 2026 11:00:00 GMT', withWait(9), 0],
    ['seconds in the text', undefined, withWait(8), 8_000],
    ['one second in the text', undefined, 'You can send requests again in 1 second.', 1_000],
    ['both, where the header counts', '3', withWait(8), 3_000],
    ['nonsense in the header, so that the text counts', 'soon', withWait(8), 8_000],
    ['a negative header, so that the text counts', '-5', withWait(8), 8_000],
    ['a date that is none, so that the text counts', 'Mon, the day after', withWait(8), 8_000],
    ['an empty header, so that the text counts', '', withWait(8), 8_000],
    ['an hour', '3600', '', 3_600_000],
  ])('is read from %s', (_, header, body, expected) => {
    expect(retryAfterMs(header, body, now)).toBe(expected);
  });

  test.each([
    ['there is neither', undefined, ''],
    ['the text names no seconds', undefined, 'Try again later, in a few seconds.'],
    ['the text names the window only', undefined, 'Maximum allowed 30 per 00:01:00 for the key'],
    ['both are nonsense', 'NaN', withWait('many')],
    ['the date is in another format', '2026-11-23T12:00:30Z', ''],
  ])('is unknown when %s', (_, header, body) => {
    expect(retryAfterMs(header, body, now)).toBeUndefined();
  });

  test.each([
    ['the header', '9'.repeat(400), ''],
    ['a date', 'Wed, 23 Nov 2089 12:00:00 GMT', ''],
    ['the text', undefined, withWait(999_999_999)],
  ])('is cut to a day when %s says longer', (_, header, body) => {
    expect(retryAfterMs(header, body, now)).toBe(DAY_MS);
  });

  test('is unknown or a time between nothing and a day, whatever the server writes', () => {
    const header = fc.oneof(
      fc.constant(undefined),
      fc.string({ unit: 'binary' }),
      fc.double().map(String),
      fc.date().map((date) => date.toUTCString()),
      fc.stringMatching(/^[A-Z][a-z]{2}, [\w :]{0,30}$/),
    );
    const body = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.tuple(fc.string(), fc.maxSafeInteger()).map(([text, seconds]) => `${text} in ${seconds} seconds`),
    );
    fc.assert(
      fc.property(header, body, (anyHeader, anyBody) => {
        const wait = retryAfterMs(anyHeader, anyBody, now);
        if (wait !== undefined) {
          expect(wait).toBeGreaterThanOrEqual(0);
          expect(wait).toBeLessThanOrEqual(DAY_MS);
        }
      }),
    );
  });
});
