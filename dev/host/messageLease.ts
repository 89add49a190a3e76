import { setInterval } from 'node:timers/promises';
import type { DequeuedMessageItem, QueueClient } from '@azure/storage-queue';
import type { Log } from './log.ts';
import { classifyStorageError, requestLimit } from './storageErrors.ts';

/** The host's hold on a message that a function works on. */
export interface MessageLease {
  /** Ends renewal and returns the pop receipt that settles the message. */
  end(): Promise<string>;
}

/** Keeps a message hidden: renews its lease whenever half of it has passed, until the lease is ended. */
export function holdLease(options: {
  queue: QueueClient;
  message: DequeuedMessageItem;
  leaseSeconds: number;
  log: Log;
  /** Renewal was refused in a way that no retry mends. */
  onRefused: (error: unknown) => void;
}): MessageLease {
  const { queue, message, leaseSeconds, log, onRefused } = options;
  const ended = new AbortController();
  let popReceipt = message.popReceipt;

  async function renew(): Promise<'held' | 'lost'> {
    try {
      const updated = await queue.updateMessage(
        message.messageId,
        popReceipt,
        undefined,
        leaseSeconds,
        requestLimit(),
      );
      if (updated.popReceipt) {
        popReceipt = updated.popReceipt;
      }
      return 'held';
    } catch (error) {
      const kind = classifyStorageError(error);
      if (kind === 'refused') {
        onRefused(error);
      }
      if (kind === 'unavailable') {
        log({ level: 'warning', message: `A lease was not renewed: ${error}` });
      }
      // After an outage the next renewal may still be in time.
      return kind === 'unavailable' ? 'held' : 'lost';
    }
  }

  async function keepRenewing(): Promise<void> {
    try {
      for await (const _ of setInterval(leaseSeconds * 500, undefined, { signal: ended.signal })) {
        if ((await renew()) === 'lost') {
          return;
        }
      }
    } catch (error) {
      if (!ended.signal.aborted) {
        throw error;
      }
    }
  }

  const renewal = keepRenewing();
  return {
    async end() {
      ended.abort();
      await renewal;
      return popReceipt;
    },
  };
}
