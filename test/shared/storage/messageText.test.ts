import { expect, test } from 'vitest';
import { deadLetterText } from '#shared/pipeline/outbox.ts';
import { fitsMessage, toMessageText } from '#shared/storage/queueOutbox.ts';

const LONGEST_MESSAGE = 65_536;

test('a content fits exactly if its base64 fits into a queue message', () => {
  for (const bytes of [49_150, 49_151, 49_152, 49_153, 49_155]) {
    const content = 'x'.repeat(bytes);
    expect(fitsMessage(content)).toBe(toMessageText(content).length <= LONGEST_MESSAGE);
  }
});

test('a dead letter always fits, however long its reason and its original are', () => {
  const letter = {
    reason: 'bad-envelope',
    detail: 'd'.repeat(54_000),
    original: '"'.repeat(54_000),
    attempts: 0,
    firstSeen: '2026-11-26T12:00:00.000Z',
    deadAt: '2026-11-26T12:00:00.000Z',
  };
  const text = deadLetterText(letter, fitsMessage);
  expect(fitsMessage(text)).toBe(true);
  const read = JSON.parse(text);
  expect(read).toMatchObject({ reason: 'bad-envelope', originalTruncated: true });
  expect(read.detail).toMatch(/^d{4000}\.\.\.$/);
});
