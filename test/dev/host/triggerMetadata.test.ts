import { expect, test } from 'vitest';
import { triggerMetadataOf } from '#dev/host/triggerMetadata.ts';

const message = {
  messageId: 'message-1',
  popReceipt: 'receipt-1',
  dequeueCount: 2,
  messageText: '',
  insertedOn: new Date('2026-11-23T10:48:18.123Z'),
  expiresOn: new Date('2026-11-30T10:48:18.123Z'),
  nextVisibleOn: new Date('2026-11-23T10:58:18.123Z'),
};

test('A text leaves the metadata of the message as it is', () => {
  expect(triggerMetadataOf(message, 'da123')).toEqual({
    DequeueCount: { int: 2 },
    Id: { string: 'message-1' },
    PopReceipt: { string: 'receipt-1' },
    InsertionTime: { json: '"2026-11-23T10:48:18+00:00"' },
    ExpirationTime: { json: '"2026-11-30T10:48:18+00:00"' },
    NextVisibleTime: { json: '"2026-11-23T10:58:18+00:00"' },
    QueueTrigger: { string: 'da123' },
  });
});

test('Top-level properties of a payload replace the metadata of the same name in any case', () => {
  const payload = '{"id":"evil","DEQUEUECOUNT":7,"ok":true,"none":null,"list":[1],"part":{"Deep":1}}';
  const metadata = triggerMetadataOf(message, payload);
  expect(metadata).toMatchObject({
    Id: { string: 'evil' },
    DequeueCount: { string: '7' },
    ok: { string: 'True' },
    part: { json: '{"Deep":1}' },
  });
  expect(Object.keys(metadata)).not.toEqual(expect.arrayContaining(['id']));
  expect(Object.keys(metadata)).toHaveLength(9);
});

test('A payload cannot reach beyond the metadata', () => {
  const metadata = triggerMetadataOf(message, '{"__proto__":{"polluted":true}}');
  expect(Object.getPrototypeOf(metadata)).toBe(Object.prototype);
});
