import { type QueueClient, QueueServiceClient } from '@azure/storage-queue';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type Azurite, startAzurite } from '#dev/stack/azurite.ts';
import { normalizeMachine } from '#shared/device/normalize.ts';
import { enrichmentOf, type StoredAnswer } from '#shared/enrichment/answer.ts';
import { enrichmentPointerSchema, enrichmentSchema } from '#shared/enrichment/enrichment.ts';
import { messageWriter } from '#shared/enrichment/outputMessage.ts';
import { readMessage } from '#shared/intake/readMessage.ts';
import type { Outbox } from '#shared/pipeline/outbox.ts';
import { type DeadLetter, deadLetterSchema } from '#shared/pipeline/outbox.ts';
import { createQueueOutbox } from '#shared/storage/queueOutbox.ts';
import { waitUntil } from '../../support/waitUntil.ts';
import { seenAt, submissionOf } from '../pipeline/submissions.ts';

let azurite: Azurite;
let queues: { alerts: QueueClient; poison: QueueClient; enrichments: QueueClient };
let outbox: Outbox;

beforeAll(async () => {
  azurite = await startAzurite();
  const service = QueueServiceClient.fromConnectionString(azurite.connectionString);
  queues = {
    alerts: service.getQueueClient('alerts'),
    poison: service.getQueueClient('alerts-poison'),
    enrichments: service.getQueueClient('enrichments'),
  };
  for (const queue of Object.values(queues)) {
    await queue.create();
  }
  outbox = createQueueOutbox(queues, { table: 'AlertEnrichments', rowKey: 'device' });
});

afterAll(() => azurite.stop());

beforeEach(async () => {
  for (const queue of Object.values(queues)) {
    await queue.clearMessages();
  }
});

/** The one message of a queue: its text as the service holds it, and its content. */
async function onlyMessage(queue: QueueClient) {
  const { receivedMessageItems } = await queue.receiveMessages({ numberOfMessages: 32 });
  expect(receivedMessageItems).toHaveLength(1);
  const [message] = receivedMessageItems;
  if (message === undefined) {
    throw new Error('the queue is empty');
  }
  const content = Buffer.from(message.messageText, 'base64').toString('utf8');
  return { message, content, json: JSON.parse(content) as unknown };
}

function enrichedWith(
  machine: { id: string; [property: string]: unknown },
  metadata?: Record<string, unknown>,
) {
  const answer: StoredAnswer = {
    outcome: 'enriched',
    submissionId: 'submission-1',
    sourceName: 'defender',
    retrievedAt: seenAt,
    storedAt: seenAt,
    attempts: 1,
    machine,
    device: normalizeMachine(machine, seenAt),
  };
  return enrichmentOf(submissionOf(metadata === undefined ? {} : { metadata }), answer);
}

describe('a submission that is put back', () => {
  test('is read by intake as the same submission, with the claim that passes on to it', async () => {
    const submission = submissionOf({ attempts: 2, deferrals: 3, inLine: true, metadata: { text: 'ä💻' } });
    await outbox.submit(submission, 0, 'key-1');
    const { message, content } = await onlyMessage(queues.alerts);
    expect(message.messageText).toMatch(/^[A-Za-z0-9+/]+=*$/);
    for (const body of [message.messageText, content]) {
      expect(readMessage(body, { id: message.messageId }, new Date())).toEqual({
        submissions: [submission],
        rejections: [],
        identity: { messageId: message.messageId, claimKey: 'key-1' },
      });
    }
  });

  test('is not seen before its delay, and never expires', async () => {
    const before = Date.now();
    await outbox.submit(submissionOf(), 90_500);
    expect((await queues.alerts.receiveMessages()).receivedMessageItems).toEqual([]);
    // The service tells when a message will be seen to nobody who did not send it: its count is all there is.
    expect((await queues.alerts.getProperties()).approximateMessagesCount).toBe(1);
    await outbox.submit(submissionOf(), 0);
    const { message } = await onlyMessage(queues.alerts);
    expect(message.expiresOn.getTime()).toBeGreaterThan(before + 10 * 365 * 86_400_000);
  });

  test.each([
    [1, 1],
    [1_000, 1],
    [90_500, 91],
    [365 * 86_400_000, 604_800],
  ])('is hidden for whole seconds, a week at most: %i ms', async (delayMs, seconds) => {
    const sent: unknown[] = [];
    const spied = Object.assign(Object.create(queues.alerts) as QueueClient, {
      sendMessage: async (text: string, options: object) => {
        sent.push(options);
        return queues.alerts.sendMessage(text, options);
      },
    });
    await createQueueOutbox({ ...queues, alerts: spied }, { table: 'T', rowKey: 'device' }).submit(
      submissionOf(),
      delayMs,
    );
    expect(sent).toEqual([{ visibilityTimeout: seconds, messageTimeToLive: -1 }]);
  });
});

describe('a submission that is held', () => {
  test('is seen by nobody until its time, and then with the ID that it was told', async () => {
    const { messageId } = await outbox.hold(submissionOf(), 1_000);
    expect((await queues.alerts.receiveMessages()).receivedMessageItems).toEqual([]);
    const message = await waitUntil(
      'it is seen',
      async () => (await queues.alerts.receiveMessages()).receivedMessageItems[0],
    );
    expect(message.messageId).toBe(messageId);
    expect(readMessage(message.messageText, { id: messageId }, new Date()).submissions).toEqual([
      submissionOf(),
    ]);
  });

  test('is put back as it is by then, in the same message', async () => {
    const held = await outbox.hold(submissionOf(), 60_000);
    const later = submissionOf({ deferrals: 1, inLine: true });
    await held.putBack(later, 0, 'key-1');
    const { message } = await onlyMessage(queues.alerts);
    expect(readMessage(message.messageText, { id: message.messageId }, new Date())).toMatchObject({
      submissions: [later],
      identity: { messageId: held.messageId, claimKey: 'key-1' },
    });
  });

  test('is gone when it is removed', async () => {
    await (await outbox.hold(submissionOf(), 60_000)).remove();
    expect((await queues.alerts.getProperties()).approximateMessagesCount).toBe(0);
  });

  test('is left alone once another reader has it', async () => {
    const held = await outbox.hold(submissionOf(), 0);
    const { message } = await onlyMessage(queues.alerts);
    await held.putBack(submissionOf({ deferrals: 9 }), 0);
    await held.remove();
    expect((await queues.alerts.getProperties()).approximateMessagesCount).toBe(1);
    await queues.alerts.deleteMessage(message.messageId, message.popReceipt);
    await held.putBack(submissionOf({ deferrals: 9 }), 0);
    await held.remove();
    expect((await queues.alerts.getProperties()).approximateMessagesCount).toBe(0);
  });
});

describe('an enrichment', () => {
  test('goes out whole when it fits', async () => {
    const enrichment = enrichedWith({ id: 'machine-1', computerDnsName: 'lt-7' }, { ticket: 7 });
    await outbox.publish(enrichment);
    const { json, message } = await onlyMessage(queues.enrichments);
    expect(enrichmentSchema.parse(json)).toEqual(enrichment);
    expect(message.expiresOn.getFullYear()).toBeGreaterThan(2100);
  });

  test('leaves the raw record out when that is too long', async () => {
    const enrichment = enrichedWith({ id: 'machine-1', note: 'x'.repeat(60_000) }, { ticket: 7 });
    await outbox.publish(enrichment);
    const { device, ...rest } = enrichmentSchema.parse((await onlyMessage(queues.enrichments)).json);
    expect(device).not.toHaveProperty('raw');
    expect({ ...rest, device: { ...device, raw: enrichment.device?.raw } }).toEqual(enrichment);
  });

  test('becomes a pointer to its row when even the device is too long', async () => {
    const machineTags = Array.from({ length: 3_000 }, (_, index) => `a rather long tag ${index}`);
    await outbox.publish(enrichedWith({ id: 'machine-1', machineTags }));
    expect(
      enrichmentPointerSchema.strict().parse((await onlyMessage(queues.enrichments)).json),
    ).toMatchObject({
      outcome: 'enriched',
      alertId: 'alert-1',
      table: 'AlertEnrichments',
      partitionKey: 'alert-1',
      rowKey: 'device',
    });
  });
});

test('an enrichment goes out in the envelope that was asked for', async () => {
  const write = messageWriter({ envelope: 'cloudevents', appName: undefined });
  const enrichment = enrichedWith({ id: 'machine-1' });
  await createQueueOutbox(queues, { table: 'AlertEnrichments', rowKey: 'device' }, write).publish(enrichment);
  expect((await onlyMessage(queues.enrichments)).json).toEqual(JSON.parse(write(enrichment)));
});

describe('a dead letter', () => {
  const letter: DeadLetter = {
    reason: 'bad-json',
    detail: 'it is no JSON',
    original: 'ä💻 {"',
    attempts: 0,
    firstSeen: seenAt.toISOString(),
    deadAt: seenAt.toISOString(),
  };

  test('is kept as it is, and never expires', async () => {
    await outbox.bury({ ...letter, submission: submissionOf() });
    const { json, message } = await onlyMessage(queues.poison);
    expect(deadLetterSchema.parse(json)).toEqual({ ...letter, submission: submissionOf() });
    expect(message.expiresOn.getFullYear()).toBeGreaterThan(2100);
  });

  test.each([
    ['plain text', 'x'],
    ['text that JSON makes six times as long', '\u0001'],
    ['text of many bytes', '💻'],
  ])('that is too long is shortened and says so: %s', async (_, character) => {
    const original = character.repeat(Math.floor(65_536 / character.length));
    await outbox.bury({ ...letter, original });
    const kept = deadLetterSchema.parse((await onlyMessage(queues.poison)).json);
    expect(kept.originalTruncated).toBe(true);
    expect(kept.original.length).toBeGreaterThan(3_000);
    expect(original.startsWith(kept.original)).toBe(true);
    expect({ ...kept, original, originalTruncated: undefined }).toEqual({ ...letter, original });
  });
});

test('a missing queue is an error, so that the message comes again', async () => {
  const service = QueueServiceClient.fromConnectionString(azurite.connectionString);
  const missing = service.getQueueClient('nowhere');
  const nowhere = createQueueOutbox(
    { alerts: missing, poison: missing, enrichments: missing },
    { table: 'T', rowKey: 'device' },
  );
  await expect(nowhere.submit(submissionOf(), 0)).rejects.toMatchObject({ statusCode: 404 });
});
