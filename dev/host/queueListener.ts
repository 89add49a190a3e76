import { setTimeout as delay } from 'node:timers/promises';
import type { DequeuedMessageItem, QueueClient } from '@azure/storage-queue';
import type { QueueOptions } from './hostJson.ts';
import type { Listener } from './listener.ts';
import type { Log } from './log.ts';
import { createPollDelay } from './pollDelay.ts';
import type { QueueArrivals } from './queueArrivals.ts';
import { classifyStorageError, requestLimit } from './storageErrors.ts';

/**
 * Polls one queue for one function, as the Functions host does: a batch at a time, the next one when no more than
 * `newBatchThreshold` messages are in flight, and with a growing delay while the queue is empty or missing.
 */
export function listenToQueue(options: {
  queue: QueueClient;
  options: QueueOptions;
  leaseSeconds: number;
  arrivals: QueueArrivals;
  random: () => number;
  /** Takes one message to its end; never rejects. */
  handle: (message: DequeuedMessageItem) => Promise<void>;
  log: Log;
  /** Polling was refused in a way that no retry mends. */
  onRefused: (error: unknown) => void;
}): Listener {
  const { queue, leaseSeconds, arrivals, handle, log, onRefused } = options;
  const { batchSize, newBatchThreshold, maxPollingInterval } = options.options;
  const pollDelay = createPollDelay(maxPollingInterval, options.random);
  const inFlight = new Set<Promise<void>>();
  const stopping = new AbortController();
  let arrival = new AbortController();
  const wake = () => arrival.abort();
  arrivals.on(queue.url, wake);

  async function receive(): Promise<DequeuedMessageItem[]> {
    try {
      const request = { numberOfMessages: batchSize, visibilityTimeout: leaseSeconds, ...requestLimit() };
      return (await queue.receiveMessages(request)).receivedMessageItems;
    } catch (error) {
      const kind = classifyStorageError(error);
      if (kind === 'refused') {
        onRefused(error);
      }
      if (kind === 'unavailable') {
        log({ level: 'warning', message: `The queue does not answer: ${error}` });
      }
      return [];
    }
  }

  async function rest(): Promise<void> {
    const signal = AbortSignal.any([stopping.signal, arrival.signal]);
    await delay(pollDelay.next(), undefined, { signal }).catch(() => {});
    if (arrival.signal.aborted) {
      arrival = new AbortController();
    }
  }

  async function poll(): Promise<void> {
    while (!stopping.signal.aborted) {
      // Not cut short by a stop: messages received and not read would stay hidden for a whole lease.
      const messages = await receive();
      if (messages.length === 0) {
        await rest();
        continue;
      }
      pollDelay.reset();
      for (const message of messages) {
        const handled = handle(message).finally(() => inFlight.delete(handled));
        inFlight.add(handled);
      }
      while (inFlight.size > newBatchThreshold) {
        await Promise.race(inFlight);
      }
    }
  }

  const polling = poll();
  return {
    async drain() {
      stopping.abort();
      arrivals.off(queue.url, wake);
      await polling;
      await Promise.all(inFlight);
    },
  };
}
