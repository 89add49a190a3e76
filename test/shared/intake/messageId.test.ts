import { describe, expect, test } from 'vitest';
import type { Delivery } from '#shared/intake/queueMessage.ts';
import { readMessage } from '#shared/intake/readMessage.ts';
import { ALERT_ID, base64, delivery, MESSAGE_ID, NOW, sample } from './support.ts';

const UUID_8 = /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

function submissionIdOf(body: unknown, metadata: Delivery = delivery, now = NOW): string | undefined {
  return readMessage(body, metadata, now).submissions[0]?.submissionId;
}

test('is the message ID where the payload cannot have replaced it', () => {
  expect(submissionIdOf(ALERT_ID)).toBe(MESSAGE_ID);
  expect(submissionIdOf({ alertId: ALERT_ID })).toBe(MESSAGE_ID);
  expect(submissionIdOf(base64(sample('defenderAlert')))).toBe(MESSAGE_ID);
});

describe('with an "id" of the payload over the message ID', () => {
  const alert = JSON.parse(sample('defenderAlert'));

  test.each(['id', 'Id', 'ID', 'iD'])(
    'spelt "%s" it is derived, even from something that looks like a message ID',
    (name) => {
      const body = { alertId: ALERT_ID, [name]: MESSAGE_ID };
      expect(submissionIdOf(body)).toMatch(UUID_8);
      expect(submissionIdOf(body)).toBe(submissionIdOf(body, { ...delivery, id: 'da637_other' }));
    },
  );

  test('it stays the same over redeliveries', () => {
    const later = new Date(NOW.getTime() + 600_000);
    const redelivery = { ...delivery, dequeueCount: 2, popReceipt: 'other', nextVisibleTime: 'other' };
    expect(submissionIdOf(structuredClone(alert), redelivery, later)).toBe(submissionIdOf(alert));
  });

  test('it differs between bodies, and between times in the queue', () => {
    const ids = [
      submissionIdOf(alert),
      submissionIdOf({ ...alert, severity: 'High' }),
      submissionIdOf(alert, { ...delivery, insertionTime: '2026-02-10T08:59:59+00:00' }),
      submissionIdOf(alert, { ...delivery, expirationTime: '2026-02-18T08:59:58+00:00' }),
      submissionIdOf(alert, {}),
    ];
    expect(new Set(ids).size).toBe(ids.length);
  });

  test('it leaves out a time that the payload replaced', () => {
    const body = { ...alert, InsertionTime: 'x' };
    expect(submissionIdOf(body)).toBe(submissionIdOf(body, { ...delivery, insertionTime: 'x' }));
  });

  test('it is the same in text that the host may have read as JSON', () => {
    const text = `\uFEFF${sample('defenderAlert')}`;
    expect(submissionIdOf(text)).toBe(submissionIdOf(text, { ...delivery, id: 'da637_other' }));
  });
});

test('is derived where the metadata gives no message ID', () => {
  for (const id of [undefined, 7, '', 'not-a-uuid', { toString: () => MESSAGE_ID }]) {
    expect(submissionIdOf(ALERT_ID, { id })).toMatch(UUID_8);
  }
});

test('is derived from a body too deep for JSON.stringify', () => {
  const deep = JSON.parse('['.repeat(30_000) + ']'.repeat(30_000));
  const [first, second] = [{ deep }, { deep: [deep] }].map((extra) =>
    submissionIdOf({ alertId: ALERT_ID, id: 1, ...extra }),
  );
  expect(first).toMatch(UUID_8);
  expect(second).not.toBe(first);
});

test('of a submission in our envelope is the one it had', () => {
  expect(submissionIdOf(JSON.parse(sample('envelope')))).toBe('7d4cfe92-35d6-4b7d-b30c-1a2b3c4d5e6f.3');
});
