import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createStorageClock } from '#shared/quota/storageClock.ts';

const START = Date.UTC(2026, 10, 1);

describe('the storage clock', () => {
  test('is our own clock until an answer tells more', () => {
    const clock = createStorageClock(() => START);
    clock.observe(START, START, undefined);
    clock.observe(START, START, 'no date');
    expect(clock.now()).toBe(START);
  });

  test('comes within the length of an exchange of the service’s time, whatever our clock is off', () => {
    const exchange = fc.record({
      gap: fc.integer({ min: 0, max: 1_500 }),
      there: fc.integer({ min: 1, max: 40 }),
      back: fc.integer({ min: 1, max: 40 }),
    });
    fc.assert(
      fc.property(
        fc.integer({ min: -10_000, max: 10_000 }),
        fc.array(exchange, { minLength: 200, maxLength: 300 }),
        (offset, exchanges) => {
          let service = START;
          const clock = createStorageClock(() => service - offset);
          for (const { gap, there, back } of exchanges) {
            service += gap;
            const sentAt = service - offset;
            service += there;
            const date = new Date(service).toUTCString();
            service += back;
            clock.observe(sentAt, service - offset, date);
          }
          // Clocks that may agree are taken to agree, so up to a second less two exchanges can remain unseen.
          const error = Math.abs(clock.now() - service);
          expect(error).toBeLessThanOrEqual(Math.abs(offset) < 1_000 ? 1_000 : 600);
          // The ledger reckons in whole milliseconds: a part of one more, and no slot would ever be due now.
          expect(Number.isInteger(clock.now())).toBe(true);
        },
      ),
      { numRuns: 50 },
    );
  });

  test('follows when one of the clocks is set', () => {
    let local = START;
    const clock = createStorageClock(() => local);
    clock.observe(local, local + 5, new Date(local).toUTCString());
    local += 60_000;
    const service = local + 3_600_000;
    clock.observe(local, local + 5, new Date(service).toUTCString());
    expect(Math.abs(clock.now() - service)).toBeLessThanOrEqual(1_000);
  });
});
