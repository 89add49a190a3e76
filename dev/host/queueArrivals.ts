import { EventEmitter } from 'node:events';
import { type QueueClient, RestError } from '@azure/storage-queue';

/**
 * Tells the listeners of this host that the host itself has put a message into a queue (by the queue's URL), so
 * that they look at once. What the functions send on their own is found by polling, as in Azure.
 */
export type QueueArrivals = EventEmitter<Record<string, []>>;

export function createQueueArrivals(): QueueArrivals {
  // One listener per function is no leak, however many there are.
  return new EventEmitter<Record<string, []>>().setMaxListeners(0);
}

/** Puts a message into a queue, which it creates where it is missing, and tells its listeners. */
export async function putMessage(
  queue: QueueClient,
  messageText: string,
  arrivals: QueueArrivals,
): Promise<void> {
  try {
    await queue.sendMessage(messageText);
  } catch (error) {
    if (!(error instanceof RestError && error.code === 'QueueNotFound')) {
      throw error;
    }
    await queue.createIfNotExists();
    await queue.sendMessage(messageText);
  }
  arrivals.emit(queue.url);
}
