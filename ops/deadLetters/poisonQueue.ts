import type { QueueClient } from '@azure/storage-queue';
import { hasStatus } from '#shared/storage/storageError.ts';
import { type PoisonMessage, readPoisonMessage } from './poisonMessage.ts';

/** What one look at the queue showed. */
export interface PoisonContents {
  messages: PoisonMessage[];
  /** About how many messages another reader holds at this moment. */
  hidden: number;
}

/** The poison queue, as its operator uses it. All methods throw when the storage service cannot be used. */
export interface PoisonQueue {
  /** All messages that no other reader holds, oldest first; they stay where they are. */
  readAll(): Promise<PoisonContents>;
  /**
   * Shows every message that was there at the start to the visitor, once, several at a time. Those that it does not
   * remove are there for others again afterwards; when this process dies, after `LEASE_SECONDS`.
   */
  visitAll(visit: Visitor): Promise<void>;
  /** Messages in it, about: the hidden ones included. */
  count(): Promise<number>;
}

/** `remove` says false when the message was not ours any more, because another reader holds it now. */
export type Visitor = (message: PoisonMessage, remove: () => Promise<boolean>) => Promise<void>;

/** How long a message is held: enough for its batch, and not long when we are killed. */
export const LEASE_SECONDS = 10;
/** The service's limit, of peeking as of receiving (https://learn.microsoft.com/rest/api/storageservices/peek-messages). */
const BATCH = 32;

/** The operator's view of a poison queue of the storage service. */
export function createPoisonQueue(queue: QueueClient): PoisonQueue {
  async function count(): Promise<number> {
    return (await queue.getProperties()).approximateMessagesCount ?? 0;
  }

  async function visitAll(visit: Visitor): Promise<void> {
    // By the service's clock: an alert that fails again while we work makes a new letter, which is not for this round.
    const { date: startedAt = new Date() } = await queue.getProperties();
    const seen = new Set<string>();
    const held = new Map<string, string>();
    let inVain = 0;
    try {
      for (;;) {
        const { receivedMessageItems } = await queue.receiveMessages({
          numberOfMessages: BATCH,
          visibilityTimeout: LEASE_SECONDS,
        });
        for (const { messageId, popReceipt } of receivedMessageItems) {
          held.set(messageId, popReceipt);
        }
        const unseen = receivedMessageItems.filter(
          ({ messageId, insertedOn }) => !seen.has(messageId) && insertedOn <= startedAt,
        );
        if (receivedMessageItems.length === 0) {
          return;
        }
        // Whatever takes longer than a lease meets messages again; after a whole round of them there are no others.
        inVain = unseen.length > 0 ? 0 : inVain + receivedMessageItems.length;
        if (inVain > held.size) {
          return;
        }
        await all(unseen, async (message) => {
          seen.add(message.messageId);
          await visit(readPoisonMessage(message), async () => {
            const isRemoved = await unlessGone(queue.deleteMessage(message.messageId, message.popReceipt));
            held.delete(message.messageId);
            return isRemoved;
          });
        });
      }
    } finally {
      await release(held);
    }
  }

  /** Makes messages visible again. Where that fails they become so by themselves. */
  async function release(held: ReadonlyMap<string, string>): Promise<void> {
    const messages = [...held];
    for (let start = 0; start < messages.length; start += BATCH) {
      await Promise.allSettled(
        messages
          .slice(start, start + BATCH)
          .map(([messageId, popReceipt]) => queue.updateMessage(messageId, popReceipt, undefined, 0)),
      );
    }
  }

  return {
    count,
    visitAll,
    async readAll() {
      // To peek hides nothing from others, but shows only the first ones.
      const { peekedMessageItems } = await queue.peekMessages({ numberOfMessages: BATCH });
      const messages = peekedMessageItems.map(readPoisonMessage);
      if (messages.length === BATCH) {
        messages.length = 0;
        await visitAll(async (message) => {
          messages.push(message);
        });
      }
      messages.sort((left, right) => left.deadAt.getTime() - right.deadAt.getTime());
      return { messages, hidden: Math.max(0, (await count()) - messages.length) };
    },
  };
}

/** Does it for all at once; fails only when all are done, so that none is left under way. */
async function all<T>(items: readonly T[], act: (item: T) => Promise<void>): Promise<void> {
  const results = await Promise.allSettled(items.map(act));
  const failed = results.find((result) => result.status === 'rejected');
  if (failed !== undefined) {
    throw failed.reason;
  }
}

/** A message that was received anew by another reader, or deleted, is answered 404 or 400 (another pop receipt). */
async function unlessGone(operation: Promise<unknown>): Promise<boolean> {
  try {
    await operation;
    return true;
  } catch (error) {
    if (hasStatus(error, 404) || hasStatus(error, 400)) {
      return false;
    }
    throw error;
  }
}
