import type { DequeuedMessageItem, QueueClient } from '@azure/storage-queue';
import type { QueueOptions } from './hostJson.ts';
import type { Log } from './log.ts';
import { decodeMessage } from './messageEncoding.ts';
import { holdLease } from './messageLease.ts';
import { putMessage, type QueueArrivals } from './queueArrivals.ts';
import type { TypedData } from './rpcTypes.ts';
import { classifyStorageError, requestLimit } from './storageErrors.ts';
import { triggerMetadataOf } from './triggerMetadata.ts';

/** What the way of a message needs: its queues, the rules of host.json and the function. */
export interface MessageHandling {
  queue: QueueClient;
  /** Absent for a queue that is itself a poison queue, or whose name leaves no room for the suffix. */
  poisonQueue: QueueClient | undefined;
  options: QueueOptions;
  leaseSeconds: number;
  arrivals: QueueArrivals;
  /** Calls the function, reports its failure to people, and tells which it was. */
  run(
    input: TypedData,
    triggerMetadata: Record<string, TypedData>,
  ): Promise<{ kind: 'succeeded' | 'failed' }>;
  log: Log;
  /** Storage refused in a way that no retry mends. */
  onRefused: (error: unknown) => void;
}

/**
 * Takes one received message to its end: deleted after success, released for another attempt after a failure,
 * moved to the poison queue when its attempts are used up or its text cannot be decoded.
 */
export async function handleMessage(message: DequeuedMessageItem, handling: MessageHandling): Promise<void> {
  const { queue, poisonQueue, options, log, onRefused } = handling;
  const { messageId, dequeueCount } = message;
  try {
    const text = decodeMessage(message.messageText, options.messageEncoding);
    const attemptsUsedUp = poisonQueue !== undefined && dequeueCount > options.maxDequeueCount;
    if (text === undefined || attemptsUsedUp) {
      await moveToPoison(message, message.popReceipt, handling);
      return;
    }
    const lease = holdLease({ ...handling, message });
    const { kind } = await handling.run({ string: text }, triggerMetadataOf(message, text));
    const popReceipt = await lease.end();
    if (kind === 'succeeded') {
      await queue.deleteMessage(messageId, popReceipt, requestLimit());
    } else if (dequeueCount >= options.maxDequeueCount) {
      await moveToPoison(message, popReceipt, handling);
    } else {
      // Without a text the message keeps its own.
      await queue.updateMessage(
        messageId,
        popReceipt,
        undefined,
        Math.ceil(options.visibilityTimeout / 1000),
      );
    }
  } catch (error) {
    const kind = classifyStorageError(error);
    if (kind === 'refused') {
      onRefused(error);
    }
    if (kind === 'unavailable') {
      log({
        level: 'error',
        message: `Message ${messageId} stays until its lease ends. Storage said: ${error}`,
      });
    }
  }
}

/** The host moves nothing but the body; without a poison queue the message returns when its lease ends. */
async function moveToPoison(
  message: DequeuedMessageItem,
  popReceipt: string,
  { queue, poisonQueue, options, arrivals, log }: MessageHandling,
): Promise<void> {
  if (!poisonQueue) {
    return;
  }
  log({
    level: 'warning',
    message:
      `Message has reached MaxDequeueCount of ${options.maxDequeueCount}. ` +
      `Moving message to queue '${poisonQueue.name}'.`,
  });
  await putMessage(poisonQueue, message.messageText, arrivals);
  await queue.deleteMessage(message.messageId, popReceipt, requestLimit());
}
